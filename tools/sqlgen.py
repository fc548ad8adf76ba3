#!/usr/bin/env python3
"""Turn the statements of sql/queries/*.sql into typed C functions.

    sqlgen.py SQL_DIR OUT_DIR   ->  OUT_DIR/queries.{c,h}

A statement is one paragraph:

    -- name: user_get :one                      :one, :many or :exec
    -- One person by id, whatever his state.
    -- in: app_id u64, id u64                   the named parameters
    -- out: user_row(id u64, username str?)     the columns, as a struct; without brackets: one declared elsewhere
    SELECT id, username FROM users WHERE app_id = :app_id AND id = :id;

Types: u64 i64 bool str bytes; `?`: may be NULL (u64 and i64: 0 stands for it). A list, `ids u64[]`, stands in
`IN (:ids)`; a list of structs, `refs entry_ref(conversation_id u64, seq u64)[]`, in `(a, b) IN (:refs)` or, where a row
twice does no more than once, in `VALUES :rows ON DUPLICATE KEY UPDATE`. A list of three fields, `spans span(id u64,
low u64, high u64)[]`, stands in `(a, b) WITHIN :spans`: in one of them a is id, and b from low to high. Its bounds are
constants, so that MariaDB reads ranges of an index; bounds from a joined row make it read all of a. A row that is read
is compared with one span after the other, so a long list is a union of statements with a few spans each. Lists are run
in fixed sizes, the rest filled with the last item, so that few statements are prepared.

What is declared must be what is written: columns by name and order, parameters by name. The types are compared
with the database's by a test.
"""
import pathlib
import re
import sys

SIZES = [1, 4, 16, 64, 256]
SPANS_EACH = 4    # of a statement in a union
C_TYPES = {"u64": "uint64_t ", "i64": "int64_t ", "bool": "bool ", "str": "struct str ", "bytes": "struct str "}
DB_TYPES = {"u64": "DB_U64", "i64": "DB_I64", "bool": "DB_U64", "str": "DB_STR", "bytes": "DB_BYTES"}
NAME = r"[a-z][a-z0-9_]*"
COLUMN = rf"(?:{NAME}\.)?{NAME}"
REFUSED = [(r"\?", "a bare ?: name the parameter"), (r";", "a second statement"), (r"\|\||\bCONCAT\b", "concatenation"),
           (r"/\*|--|#", "a comment inside the statement"), (r'["`\\]', "a double quote, back quote or backslash"),
           (r"\bRETURNING\b", "RETURNING, which MySQL and TiDB lack"), (r"\bLAST_INSERT_ID\b", "LAST_INSERT_ID"),
           (r"(^|,|\bSELECT\b)\s*(DISTINCT\s+)?([a-z_]+\.)?\*", "a select of *: name the columns")]
MAX_ARGUMENTS = 4


class Wrong(Exception):
    pass


class Field:
    def __init__(self, text):
        match = re.fullmatch(rf"({NAME})\s+(u64|i64|bool|str|bytes)(\?)?(\[\])?", text.strip())
        if not match:
            raise Wrong(f"`{text.strip()}` is not `name type`")
        self.name, self.type, self.null, self.list = match[1], match[2], bool(match[3]), bool(match[4])
        if self.null and (self.list or self.type == "bool"):
            raise Wrong(f"`{text.strip()}`: lists and bools are never NULL")
        self.struct, self.fields = None, [self]

    def value(self, expression):
        return f"value_{self.type}{'_or_null' if self.null else ''}({expression})"


class StructList:
    """A parameter that is a list of structs."""
    def __init__(self, name, struct, fields):
        self.name, self.struct, self.list, self.fields = name, struct, True, fields


def split(text):
    """At commas outside brackets."""
    parts, depth, at = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(text[at:i])
            at = i + 1
    return [part.strip() for part in parts + [text[at:]] if part.strip()]


def parameter(text):
    match = re.fullmatch(rf"({NAME})\s+({NAME})\((.*)\)\[\]", text.strip(), re.S)
    if not match:
        return Field(text)
    return StructList(match[1], match[2], [Field(field) for field in split(match[3])])


def without_brackets(sql):
    """The text with everything inside brackets blanked, so that words are found at the top level only."""
    out, depth = [], 0
    for c in sql:
        depth -= c == ")"
        out.append(" " if depth else c)
        depth += c == "("
    return "".join(out)


def selected(sql):
    """The names of the columns that a SELECT gives."""
    top = without_brackets(sql)
    end = re.search(r"\bFROM\b", top)
    names = []
    for column in split(re.sub(r"^SELECT\s+(DISTINCT\s+)?", "", sql[:end.start() if end else len(sql)])):
        match = re.search(rf"(?:\bAS\s+|^(?:[a-z_0-9]+\.)?)({NAME})$", column)
        if not match:
            raise Wrong(f"the column `{column}` needs a name: AS name")
        names.append(match[1])
    return names


def within(name):
    return rf"\(({COLUMN}), ({COLUMN})\) WITHIN :{name}\b"


class Query:
    def __init__(self, text):
        comments, sql = [], []
        for line in text.splitlines():
            (comments if line.startswith("--") and not sql else sql).append(line)
        self.sql = " ".join(" ".join(sql).split()).removesuffix(";").strip()
        match = re.fullmatch(rf"-- name: ({NAME}) :(one|many|exec)", comments[0].strip())
        if not match:
            raise Wrong(f"`{comments[0]}` is not `-- name: name :one|:many|:exec`")
        self.name, self.kind = match[1], match[2]
        declared = self.read_comments(comments[1:])
        self.params = [parameter(part) for part in split(declared.get("in", ""))]
        self.row, self.columns = None, None
        self.read_out(declared.get("out"))
        self.check()

    def read_comments(self, lines):
        declared, doc, key = {}, [], None
        for line in lines:
            line = line[2:].strip()
            match = re.match(r"(in|out):\s*(.*)", line)
            if match:
                key, line = match[1], match[2]
                declared[key] = ""
            if not key:
                doc.append(line)
                continue
            declared[key] += " " + line
            if declared[key].count("(") == declared[key].count(")") and not line.endswith(","):
                key = None
        self.doc = " ".join(doc)
        return declared

    def read_out(self, out):
        if (out is None) != (self.kind == "exec"):
            raise Wrong(f":{self.kind} {'needs' if out is None else 'has no'} out:")
        if out is None:
            return
        match = re.fullmatch(rf"\s*({NAME})\s*(?:\((.*)\))?\s*", out, re.S)
        if not match:
            raise Wrong(f"`{out.strip()}` is not `row_name(columns)`")
        self.row = match[1]
        if match[2] is not None:
            self.columns = [Field(column) for column in split(match[2])]
            if any(column.list for column in self.columns):
                raise Wrong("a column is no list")

    def check(self):
        verbs = {"exec": "INSERT|UPDATE|DELETE", "one": "SELECT", "many": "SELECT"}[self.kind]
        if not re.match(rf"({verbs})\b", self.sql):
            raise Wrong(f":{self.kind} begins with {verbs}")
        bare = re.sub(r"'[^']*'", "''", self.sql)
        if "'" in bare.replace("''", ""):
            raise Wrong("a quote is not closed")
        for pattern, what in REFUSED:
            if re.search(pattern, bare, re.I):
                raise Wrong(f"refused: {what}")
        if re.match(r"(UPDATE|DELETE)\b", self.sql) and not re.search(r"\bWHERE\b", without_brackets(self.sql)):
            raise Wrong("an UPDATE or DELETE of a whole table")
        names = [param.name for param in self.params]
        used = set(re.findall(rf":({NAME})", bare))
        if len(set(names)) != len(names) or used != set(names):
            raise Wrong(f"parameters declared {sorted(names)}, used {sorted(used)}")
        lists = [param for param in self.params if param.list]
        if len(lists) > 1 or (lists and self.kind == "one"):
            raise Wrong("one list at most, and none with :one")
        for param in lists:
            places = rf"\bIN \(:{param.name}\)"
            if param.struct:
                places += rf"|\bVALUES :{param.name} ON DUPLICATE KEY UPDATE\b"
            if self.is_within(param):
                places += "|" + within(param.name)
                if re.search(r"\b(ORDER BY|LIMIT)\b", without_brackets(self.sql)):
                    raise Wrong("what may become a union has neither ORDER BY nor LIMIT")
            if len(re.findall(rf":{param.name}\b", bare)) != len(re.findall(places, bare)):
                raise Wrong(f"a list stands in IN (:{param.name})")

    def check_columns(self):
        declared = [column.name for column in self.columns]
        written = selected(self.sql)
        if declared != written:
            raise Wrong(f"columns declared {declared}, selected {written}")

    def places(self):
        """The parameters in the order in which they stand in the text."""
        by_name = {param.name: param for param in self.params}
        return [by_name[name] for name in re.findall(rf":({NAME})", re.sub(r"'[^']*'", "''", self.sql))]

    def is_within(self, param):
        return len(param.fields) == 3 and re.search(within(param.name), self.sql)

    def union(self, size):
        """Of how many statements the one for a list of `size` items is the union, and how many items each has."""
        each = min(size, SPANS_EACH) if any(self.is_within(param) for param in self.params) else size
        return size // each, each

    def expanded(self, size):
        sql = self.sql
        count, size = self.union(size)
        for param in self.params:
            spans = " OR ".join([r"(\1 = ? AND \2 BETWEEN ? AND ?)"] * size)
            sql = re.sub(within(param.name), f"({spans})", sql)
            item = "?"
            if param.list:
                item = "(" + ", ".join("?" for _ in param.fields) + ")" if param.struct else "?"
                item = ", ".join([item] * size)
            sql = re.sub(rf":{param.name}\b", item, sql)
        return " UNION ALL ".join([sql] * count)


def statement(piece):
    """The comments and the statement up to its semicolon; behind it only comments, on the next statement, may stand."""
    lines = piece.splitlines()
    ends = [i for i, line in enumerate(lines) if not line.startswith("--") and ";" in line]
    if not ends:
        raise Wrong("no semicolon at the end")
    if not lines[ends[0]].rstrip().endswith(";") or lines[ends[0]].count(";") > 1:
        raise Wrong("text after the semicolon")
    if any(line.strip() and not line.startswith("--") for line in lines[ends[0] + 1:]):
        raise Wrong("text after the semicolon")
    return "\n".join(lines[:ends[0] + 1])


def read(folder):
    queries, rows, structs = [], {}, {}
    for file in sorted(folder.glob("*.sql")):
        text = file.read_text(encoding="utf-8")
        pieces = re.split(r"^(?=-- name:)", text, flags=re.M)
        if any(line.strip() and not line.startswith("--") for line in pieces[0].splitlines()):
            sys.exit(f"{file}: a statement without `-- name:`")
        for piece in pieces[1:]:
            try:
                query = Query(statement(piece))
                if query.name in (other.name for other in queries):
                    raise Wrong("the name is taken")
                if query.columns is not None:
                    if query.row in rows:
                        raise Wrong(f"{query.row} is declared twice: leave its columns out here")
                    rows[query.row] = query.columns
                for param in query.params:
                    if not param.struct:
                        continue
                    shape = [(field.name, field.type, field.null) for field in param.fields]
                    known = structs.setdefault(param.struct, (shape, param.fields))
                    if known[0] != shape:
                        raise Wrong(f"{param.struct} is declared elsewhere with other fields")
                query.file = file.name
                queries.append(query)
            except Wrong as wrong:
                sys.exit(f"{file}: {piece.splitlines()[0][3:]}: {wrong}")
    for query in queries:
        try:
            if query.row:
                if query.row not in rows:
                    raise Wrong(f"{query.row} is declared nowhere")
                query.columns = rows[query.row]
                query.check_columns()
        except Wrong as wrong:
            sys.exit(f"sql/queries/{query.file}: {query.name}: {wrong}")
    return queries, rows, {name: fields for name, (_, fields) in structs.items()}


def declaration(param):
    if param.struct:
        return f"const struct {param.struct} *{param.name}, size_t n_{param.name}"
    if param.list:
        return f"const {C_TYPES[param.type]}*{param.name}, size_t n_{param.name}"
    return f"{C_TYPES[param.type]}{param.name}"


def member(param):
    if param.list:
        return declaration(param).replace(", ", ";\n    ") + ";"
    return f"{C_TYPES[param.type]}{param.name};"


def packed(query):
    return len(query.params) > MAX_ARGUMENTS


def prototype(query):
    arguments = ["struct ctx *ctx"]
    if packed(query):
        arguments.append(f"const struct q_{query.name}_in *in")
    else:
        arguments += [declaration(param) for param in query.params]
    arguments += {"one": [f"struct {query.row} *row"], "many": [f"struct {query.row} **rows", "size_t *n"],
                  "exec": ["uint64_t *affected"]}[query.kind]
    return f"enum err q_{query.name}({', '.join(arguments)})"


def header(queries, rows, structs):
    out = ["/* Generated by tools/sqlgen.py from sql/queries/. */\n#pragma once\n",
           '#include "ext/db.h"\n#include "model/ctx.h"\n']
    for name, columns in rows.items():
        body = "".join(f"    {C_TYPES[c.type]}{c.name};\n" for c in columns)
        out.append(f"struct {name} {{\n{body}}};\n")
    for name, fields in structs.items():
        body = "".join(f"    {C_TYPES[f.type]}{f.name};\n" for f in fields)
        out.append(f"struct {name} {{\n{body}}};\n")
    for query in queries:
        if packed(query):
            body = "".join(f"    {member(param)}\n" for param in query.params)
            out.append(f"struct q_{query.name}_in {{\n{body}}};\n")
        doc = f"/* {query.doc} */\n" if query.doc else ""
        out.append(f"{doc}{prototype(query)} MUST_CHECK;\n")
    out.append("/* All of them, for the test that prepares and explains each. */\n"
               "extern const struct db_statement *const queries_all[];\nextern const size_t queries_count;\n")
    return "\n".join(out)


PRELUDE = """/* Generated by tools/sqlgen.py from sql/queries/. */
#include "queries.h"

#include <string.h>

/* Where the rows of one call go: an array that grows in the arena, or `one`. */
struct sink {
    struct arena *arena;
    void (*read)(const struct db_value *columns, void *row);
    size_t size, n, cap;
    char *rows;
    void *one;
};

__attribute__((unused)) static enum err sink_row(const struct db_value *columns, void *arg)
{
    struct sink *s = arg;

    if (s->one) {
        if (!s->n++)
            s->read(columns, s->one);
        return OK;
    }
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 8;
        char *rows = arena_array(s->arena, cap, s->size);
        if (s->n)
            memcpy(rows, s->rows, s->n * s->size);
        s->rows = rows;
        s->cap = cap;
    }
    s->read(columns, s->rows + s->n++ * s->size);
    return OK;
}

/* Lists are run in these sizes: which of them, for what is left? */
__attribute__((unused)) static unsigned size_for(size_t left)
{
    unsigned i = 0;

    while (i < SIZES - 1 && left > sizes[i])
        i++;
    return i;
}

#define VALUE(name, c_type, ...)                                                                             \\
    __attribute__((unused)) static inline struct db_value value_##name(c_type v)                              \\
    {                                                                                                        \\
        return (struct db_value){__VA_ARGS__};                                                               \\
    }
VALUE(u64, uint64_t, .type = DB_U64, .u64 = v)
VALUE(u64_or_null, uint64_t, .type = DB_U64, .u64 = v, .is_null = !v)
VALUE(i64, int64_t, .type = DB_I64, .i64 = v)
VALUE(i64_or_null, int64_t, .type = DB_I64, .i64 = v, .is_null = !v)
VALUE(bool, bool, .type = DB_U64, .u64 = v)
VALUE(str, struct str, .type = DB_STR, .str = v)
VALUE(str_or_null, struct str, .type = DB_STR, .str = v, .is_null = !v.p)
VALUE(bytes, struct str, .type = DB_BYTES, .str = v)
VALUE(bytes_or_null, struct str, .type = DB_BYTES, .str = v, .is_null = !v.p)
"""
MEMBER = {"u64": "u64", "i64": "i64", "bool": "u64 != 0", "str": "str", "bytes": "str"}


def reader(name, columns):
    lines = [f"    row->{c.name} = columns[{i}].{MEMBER[c.type]};" for i, c in enumerate(columns)]
    return (f"static void read_{name}(const struct db_value *columns, void *to)\n{{\n    struct {name} *row = to;\n\n"
            + "\n".join(lines) + "\n}\n")


def literal(sql):
    """C string literals, broken at about 100 columns."""
    lines, rest = [], sql
    while len(rest) > 100:
        cut = rest.rfind(" ", 0, 100) + 1 or 100
        lines.append(rest[:cut])
        rest = rest[cut:]
    return "\n".join(f'            "{line}"' for line in lines + [rest])


def statements(query, index):
    """The prepared statements of a query: one, or one per list size."""
    sizes = SIZES if any(param.list for param in query.params) else [1]
    columns = [DB_TYPES[column.type] for column in query.columns or []]
    out = []
    if columns:
        out.append(f"static const enum db_type columns_{query.name}[] = {{{', '.join(columns)}}};")
    rows = []
    for i, size in enumerate(sizes):
        params = []
        count, each = query.union(size)
        for place in query.places():
            params += [DB_TYPES[field.type] for field in place.fields] * (each if place.list else 1)
        params *= count
        if params:
            text = ", ".join(params)
            wrapped = re.sub(r"(.{1,100})(?:,\s|$)", r"    \1,\n", text)
            out.append(f"static const enum db_type params_{query.name}_{i}[] = {{\n{wrapped}}};")
        rows.append("    {" + f".index = {index + i}, .name = \"{query.name}\", .n_params = {len(params)},\n"
                    f"     .n_columns = {len(columns)}, .columns = {f'columns_{query.name}' if columns else 'NULL'},\n"
                    f"     .params = {f'params_{query.name}_{i}' if params else 'NULL'},\n"
                    f"     .sql =\n{literal(query.expanded(size))}}},")
    out.append(f"static const struct db_statement statements_{query.name}[] = {{\n" + "\n".join(rows) + "\n};\n")
    return "\n".join(out), len(sizes)


def function(query):
    source = "in->" if packed(query) else ""
    lists = [param for param in query.params if param.list]
    lines = [prototype(query), "{"]
    if query.kind != "exec":
        lines.append(f"    struct sink sink = {{.arena = ctx->arena, .read = read_{query.row}, "
                     f".size = sizeof(struct {query.row})}};")
    row = "NULL, NULL" if query.kind == "exec" else "sink_row, &sink"
    if query.kind == "one":
        lines += [f"    struct {query.row} found = {{0}};", "", "    sink.one = &found;"]
    if lists:
        lines += list_body(query, lists[0], source, row)
    else:
        values = ", ".join(place.value(source + place.name) for place in query.places())
        affected = "affected" if query.kind == "exec" else "NULL"
        if values:
            lines.append(f"    const struct db_value params[] = {{{values}}};")
        lines += ["", f"    TRY(db_run(ctx->db, &statements_{query.name}[0], {'params' if values else 'NULL'}, "
                      f"ctx->arena, {row}, {affected}));"]
    if query.kind == "one":
        lines += ["    if (!sink.n)", "        return ERR_NOT_FOUND;", "    *row = found;"]
    if query.kind == "many":
        lines += ["    *rows = (void *)sink.rows;", "    *n = sink.n;"]
    return "\n".join(lines + ["    return OK;", "}\n"])


def list_body(query, param, source, row):
    """Locals end in _, so that no parameter has their name."""
    name, n = source + param.name, f"{source}n_{param.name}"
    width = len(param.fields)
    lines = ["    uint64_t total_ = 0;", "", f"    for (size_t at_ = 0; at_ < {n};) {{",
             f"        const size_t left_ = {n} - at_;", "        const unsigned which_ = size_for(left_);",
             "        const size_t size_ = sizes[which_];",
             f"        struct db_value *params_ = arena_array(ctx->arena, "
             f"statements_{query.name}[which_].n_params, sizeof *params_);", "        size_t k_ = 0;",
             "        uint64_t part_ = 0;", ""]
    is_within = query.is_within(param)
    indent, items = ("    ", f"from_; i_ < size_ && i_ < from_ + {SPANS_EACH}") if is_within else ("", "0; i_ < size_")
    if is_within:
        lines.append(f"        for (size_t from_ = 0; from_ < size_; from_ += {SPANS_EACH}) {{")
    for place in query.places():
        if not place.list:
            lines.append(f"{indent}        params_[k_++] = {place.value(source + place.name)};")
            continue
        lines.append(f"{indent}        for (size_t i_ = {items}; i_++)" + (" {" if width > 1 else ""))
        item = f"{name}[at_ + (i_ < left_ ? i_ : left_ - 1)]"
        for field in place.fields:
            value = field.value(item + ("." + field.name if place.struct else ""))
            lines.append(f"{indent}            params_[k_++] = {value};")
        if width > 1:
            lines.append(f"{indent}        }}")
    if is_within:
        lines.append("        }")
    lines += [f"        TRY(db_run(ctx->db, &statements_{query.name}[which_], params_, ctx->arena, {row}, &part_));",
              "        total_ += part_;", "        at_ += size_;", "    }"]
    if query.kind == "exec":
        lines += ["    if (affected)", "        *affected = total_;"]
    else:
        lines += ["    (void)total_;"]
    return lines


def body(queries, rows):
    sizes = ", ".join(map(str, SIZES))
    out = [PRELUDE.replace("/* Lists are run", f"enum {{ SIZES = {len(SIZES)} }};\n__attribute__((unused)) static const "
                           f"size_t sizes[SIZES] = {{{sizes}}};\n\n/* Lists are run")]
    used = {query.row for query in queries if query.row}
    out += [reader(name, columns) for name, columns in rows.items() if name in used]
    index, everything = 0, []
    for query in queries:
        text, count = statements(query, index)
        out += [text, function(query)]
        everything += [f"    &statements_{query.name}[{i}]," for i in range(count)]
        index += count
    out.append("const struct db_statement *const queries_all[] = {\n" + "\n".join(everything) + "\n};\n"
               f"const size_t queries_count = {index};\n")
    return "\n".join(out)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[2])
    queries, rows, structs = read(pathlib.Path(sys.argv[1]))
    (out / "queries.h").write_text(header(queries, rows, structs), encoding="utf-8")
    (out / "queries.c").write_text(body(queries, rows), encoding="utf-8")


main()
