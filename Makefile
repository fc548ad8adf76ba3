# Posthouse
#
#   make run           install what is missing, build, start a private house under var/, print its URL
#   make run STORE=s3  the same with files in an S3 store: s3_endpoint, s3_access_key, s3_secret_key say which (README)
#   make run TLS=1     the same over HTTPS with a certificate of its own (phones need it)
#   make demo          fill the running house with a few people and conversations
#   make test          everything that is checked, in order; the last line is "N passed, N failed"
#   make unit, handlers, contract, frontend, api, e2e, random, chaos, lint, model   one suite of it; MODE=asan make unit
#   make power         cut the power of MariaDB's disk while people send, POWER_CUTS (20) times
#
#   make build [MODE=debug|release|asan|tsan|cov]     programs and C tests in build/<mode>/bin
#   make format        clang-format over the C files
#   make fuzz          the libFuzzer targets, FUZZ_SECONDS (30) each
#   make bench         what it does on this machine, each figure beside its limit; ROWS="pairs sends" for some rows
#   make campaign SECONDS=1800    the history checker for so long, with fresh seeds and a table at the end; stops at the first violation
#   make planted [BUG="3 7"]       deliberate bugs: the history checker must catch each
#   make deps          only install what is missing
#   make clean         remove build/ (var/, the data, stays)

MODE ?= debug
FUZZ_SECONDS ?= 30
ifneq (,$(filter bench,$(MAKECMDGOALS)))
MODE := release
endif

# PLANTED_BUG=n builds the programs with one deliberate bug of lib/base/planted.h, in a folder of their own.
OUT := build/$(MODE)$(if $(PLANTED_BUG),/planted/$(PLANTED_BUG))
OBJ := $(OUT)/obj
BIN := $(OUT)/bin
GEN := build/gen
LIB := $(OUT)/libposthouse.a

# V=1 shows the commands.
Q := $(if $(V),,@)

# ---- compilers and flags ------------------------------------------------------------------------
CC := gcc
FLAGS_debug   := -Og -g3
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
# Instrumented code makes gcc see overlaps and unset variables that are not there; debug and release look for them.
SANITIZED     := -O1 -g -fno-omit-frame-pointer -Wno-restrict -Wno-maybe-uninitialized
FLAGS_asan    := $(SANITIZED) -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan    := $(SANITIZED) -fsanitize=thread
FLAGS_cov     := -O0 -g --coverage
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(MODE),fuzz)
CC := clang
endif
ifndef FLAGS_$(MODE)
$(error MODE=$(MODE) is none of debug release asan tsan cov fuzz)
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
CPPFLAGS := -D_GNU_SOURCE -Ilib -I$(GEN) -Itests \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libmariadb vips 2>/dev/null))
CFLAGS := -std=gnu17 $(WARN) $(FLAGS_$(MODE)) -pthread
CFLAGS += $(if $(PLANTED_BUG),-DPLANTED_BUG=$(PLANTED_BUG))
LDFLAGS := $(FLAGS_$(MODE)) -pthread -Wl,--as-needed -Wl,-z,relro,-z,now
LIBS := -lfcgi -lmariadb -lhiredis -ljson-c -lcurl -lcrypto -lmagic -lsodium -lutf8proc -lvips -lgobject-2.0 -lglib-2.0 -lm

# ---- what there is ------------------------------------------------------------------------------
LIB_C     := $(wildcard lib/base/*.c lib/ext/*.c lib/model/*.c lib/web/*.c)
HANDLERS  := $(wildcard handlers/*.c)
DAEMONS   := $(wildcard daemons/*.c)
TOOLS     := $(wildcard tools/*.c)
UNIT      := $(wildcard tests/unit/*.c)
HTESTS    := $(wildcard tests/handlers/*.c)
TEST_LIB  := $(OUT)/libtest.a
QUERIES   := $(wildcard sql/queries/*.sql)
SCHEMA    := $(wildcard sql/schema/*.sql)
SCRIPTS   := $(wildcard lib/model/scripts/*.lua)
WORDS     := $(wildcard lib/model/*.txt)
GENERATED := $(if $(QUERIES),queries) $(if $(SCHEMA),migrations) $(if $(SCRIPTS),scripts) $(if $(WORDS),words)
GEN_H     := $(GENERATED:%=$(GEN)/%.h)
LIB_O     := $(patsubst %.c,$(OBJ)/%.o,$(LIB_C) $(GENERATED:%=$(GEN)/%.c))

# Whatever knows no deliberate bug is taken as it is.
ifdef PLANTED_BUG
PLANTED := $(shell grep -l 'base/planted\.h' $(LIB_C) $(HANDLERS) $(DAEMONS))
LIB_O := $(patsubst %.c,$(OBJ)/%.o,$(filter $(PLANTED),$(LIB_C))) \
	$(patsubst %.c,build/$(MODE)/obj/%.o,$(filter-out $(PLANTED),$(LIB_C)) $(GENERATED:%=$(GEN)/%.c))
endif

PROGRAMS := $(patsubst handlers/%.c,$(BIN)/posthouse-%,$(HANDLERS)) \
	$(patsubst daemons/%.c,$(BIN)/posthouse-%,$(DAEMONS)) $(patsubst tools/%.c,$(BIN)/%,$(TOOLS))
TESTS := $(patsubst tests/unit/%.c,$(BIN)/unit-%,$(UNIT)) \
	$(patsubst tests/handlers/%.c,$(BIN)/handler-%,$(HTESTS))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help build programs generated flags run demo test unit handlers contract frontend api e2e random chaos lint model power \
	format fuzz bench campaign planted deps clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

build: $(PROGRAMS) $(TESTS)
programs: $(PROGRAMS)
generated: $(GEN_H)
flags:
	@echo $(CPPFLAGS) -std=gnu17

# ---- generated C --------------------------------------------------------------------------------
# The folder stands among the prerequisites because its time changes when a file is removed.
$(GEN)/queries.c $(GEN)/queries.h &: tools/sqlgen.py sql/queries $(QUERIES)
	@mkdir -p $(GEN)
	python3 tools/sqlgen.py sql/queries $(GEN)

$(GEN)/migrations.c $(GEN)/migrations.h &: tools/embed.py sql/schema $(SCHEMA)
	@mkdir -p $(GEN)
	python3 tools/embed.py migrations $(GEN) $(SCHEMA)

$(GEN)/scripts.c $(GEN)/scripts.h &: tools/embed.py lib/model/scripts $(SCRIPTS)
	@mkdir -p $(GEN)
	python3 tools/embed.py scripts $(GEN) $(SCRIPTS)

$(GEN)/words.c $(GEN)/words.h &: tools/embed.py $(WORDS)
	@mkdir -p $(GEN)
	python3 tools/embed.py words $(GEN) $(WORDS)

# ---- objects, library, programs -----------------------------------------------------------------
$(OBJ)/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D); echo '  $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_O)
	@rm -f $@
	$(Q)ar rcs $@ $^

# An archive too, so that a test which brings stand-ins of its own links only what it asks for.
$(TEST_LIB): $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/lib/*.c))
	@rm -f $@
	$(Q)ar rcs $@ $^

LINK = $(Q)echo '  $@'; mkdir -p $(@D); $(CC) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(LIBS)
$(BIN)/posthouse-%: $(OBJ)/handlers/%.o $(LIB)
	$(LINK) -o $@
$(BIN)/posthouse-%: $(OBJ)/daemons/%.o $(LIB)
	$(LINK) -o $@
$(BIN)/unit-%: $(OBJ)/tests/unit/%.o $(TEST_LIB) $(LIB)
	$(LINK) -lcunit -o $@
$(BIN)/handler-%: $(OBJ)/tests/handlers/%.o $(TEST_LIB) $(LIB)
	$(LINK) -lcunit -o $@
$(BIN)/bench-load: $(OBJ)/tests/bench/client.o
$(BIN)/bench-%: $(OBJ)/tests/bench/%.o $(LIB)
	$(LINK) $(if $(filter load,$*),-lssl) -o $@
$(BIN)/power-%: $(OBJ)/tests/power/%.o
	$(LINK) -lfuse3 -o $@
$(BIN)/fuzz-%: $(OBJ)/tests/fuzz/%.o $(LIB)
	$(LINK) -fsanitize=fuzzer -o $@
$(BIN)/%: $(OBJ)/tools/%.o $(LIB)
	$(LINK) -o $@

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# ---- run and check ------------------------------------------------------------------------------
run:
	@TLS=$(TLS) $(if $(STORE),POSTHOUSE_STORE=$(STORE)) exec python3 tools/run.py run
demo:
	@tools/node.sh tools/demo.mjs
deps:
	@tools/deps.sh
test:
	@tests/run
unit handlers contract frontend api e2e random chaos lint model power:
	@MODE=$(MODE) tests/run $@
bench: $(patsubst %,$(BIN)/bench-%,load writer tokens ring seed)
	@tools/run.py build
	@tools/node.sh tests/bench/bench.mjs
campaign:
	@tools/run.py build
	@tools/node.sh tests/chaos/campaign.mjs $(or $(SECONDS),1800)
planted: programs
	@MODE=$(MODE) BUG='$(BUG)' tools/node.sh --test tests/chaos/planted.test.mjs
fuzz:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz
format:
	git ls-files -co --exclude-standard '*.[ch]' | xargs clang-format -i
clean:
	rm -rf build
