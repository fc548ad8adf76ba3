/* Contents: field tables, and what is stored. */
#include "model/contents.h"

#include "ext/json.h"
#include "model/gate.h"
#include "model/users.h"

/* ---- what comes, and what is stored, where it is the same ---- */

static const struct field text_fields[] = {
    {.name = "text",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     .at = offsetof(struct text_content, text),
     .min = 1,
     .max = TEXT_MAX},
};
const struct shape text_content_shape = SHAPE("TextContent", struct text_content, text_fields);

#define FILE_ID                                                                                              \
    {                                                                                                        \
        .name = "file_id", .type = FIELD_ID, .flags = F_REQUIRED,                                            \
        .at = offsetof(struct file_content, file_id)                                                         \
    }
#define DURATION(longest)                                                                                    \
    {                                                                                                        \
        .name = "duration_ms", .type = FIELD_INT, .flags = F_REQUIRED,                                       \
        .at = offsetof(struct file_content, duration_ms), .min = 1, .max = (longest)                         \
    }
static const struct field file_fields[] = {FILE_ID};
static const struct shape file_ref = SHAPE("FileRef", struct file_content, file_fields);
static const struct field voice_fields[] = {FILE_ID, DURATION(VOICE_MAX_MS)};
static const struct shape voice_ref = SHAPE("VoiceRef", struct file_content, voice_fields);
static const struct field video_fields[] = {
    FILE_ID,
    {.name = "poster_file_id",
     .type = FIELD_ID,
     .flags = F_NULLABLE,
     .at = offsetof(struct file_content, poster_file_id)},
    DURATION(VIDEO_MAX_MS),
};
static const struct shape video_ref = SHAPE("VideoRef", struct file_content, video_fields);

#define AT(member) .at = offsetof(struct location_content, member)
static const struct field location_fields[] = {
    {.name = "lat", .type = FIELD_REAL, .flags = F_REQUIRED, AT(lat), .min = -90, .max = 90},
    {.name = "lng", .type = FIELD_REAL, .flags = F_REQUIRED, AT(lng), .min = -180, .max = 180},
    {.name = "name", .type = FIELD_STR, .flags = F_REQUIRED, AT(name), .min = 1, .max = PLACE_MAX},
};
#undef AT
static const struct shape location_shape = SHAPE("LocationContent", struct location_content, location_fields);

static const struct field card_fields[] = {
    {.name = "user_id", .type = FIELD_ID, .flags = F_REQUIRED, .at = offsetof(struct card_content, user_id)},
};
static const struct shape card_shape = SHAPE("CardContent", struct card_content, card_fields);

static const struct field custom_fields[] = {
    {.name = "kind",
     .type = FIELD_STR,
     .flags = F_REQUIRED,
     .at = offsetof(struct custom_content, kind),
     .min = 1,
     .max = 64},
    {.name = "data",
     .type = FIELD_JSON,
     .flags = F_REQUIRED,
     .at = offsetof(struct custom_content, data),
     .max = CUSTOM_MAX},
};
static const struct shape custom_shape = SHAPE("CustomContent", struct custom_content, custom_fields);

const char *const content_names[] = {"text",     "image", "file",   "voice", "video",
                                     "location", "card",  "custom", NULL};
const struct shape *const content_shapes[] = {&text_content_shape, &file_ref,     &file_ref,
                                              &voice_ref,          &video_ref,    &location_shape,
                                              &card_shape,         &custom_shape, NULL};
const enum entry_type content_types[] = {ENTRY_TEXT,  ENTRY_IMAGE,    ENTRY_FILE, ENTRY_VOICE,
                                         ENTRY_VIDEO, ENTRY_LOCATION, ENTRY_CARD, ENTRY_CUSTOM};

/* ---- what is stored ---- */

static struct str json_of(struct ctx *ctx, const struct shape *shape, const void *content)
{
    struct buf b = buf_in(ctx->arena);

    json_encode(&b, shape, content);
    return buf_done(&b);
}

static enum err not_found(struct ctx *ctx, const char *field, const char *reason)
{
    (void)fail_field(ctx, field, "%s", reason); /* names the field; the code is another one */
    return ERR_NOT_FOUND;
}

static enum file_kind kind_of(int type)
{
    switch (type) {
    case ENTRY_IMAGE:
        return FILE_IMAGE;
    case ENTRY_VOICE:
        return FILE_VOICE;
    case ENTRY_VIDEO:
        return FILE_VIDEO;
    default:
        return FILE_FILE;
    }
}

static enum err take_file(struct ctx *ctx, const struct file_content *file, struct send *send)
{
    const struct file_use use = {file->file_id, file->poster_file_id, file->duration_ms};
    struct file_used used;

    TRY(fileuse_check(ctx, kind_of(send->type), &use, &used));
    send->content = used.json;
    memcpy(send->files, used.refs, sizeof send->files);
    send->n_files = used.n_refs;
    return OK;
}

static enum err take_card(struct ctx *ctx, const struct card_content *card, struct str *json)
{
    struct user user;

    const enum err err = user_profile(ctx, card->user_id, &user);
    if (err == ERR_NOT_FOUND)
        return not_found(ctx, "content.user_id", "is nobody here");
    TRY(err);
    *json = json_of(ctx, &card_shape, card);
    return OK;
}

bool content_needs_database(enum entry_type type)
{
    return type == ENTRY_CARD || (type >= ENTRY_IMAGE && type <= ENTRY_VIDEO);
}

enum err content_take(struct ctx *ctx, const union content *content, struct send *send)
{
    struct str text = content->text.text;

    switch ((enum entry_type)send->type) {
    case ENTRY_TEXT:
        TRY(gate_text(ctx, send->conversation_id, &text));
        send->content = entry_text_content(ctx->arena, text);
        return OK;
    case ENTRY_IMAGE:
    case ENTRY_FILE:
    case ENTRY_VOICE:
    case ENTRY_VIDEO:
        return take_file(ctx, &content->file, send);
    case ENTRY_LOCATION:
        send->content = json_of(ctx, &location_shape, &content->location);
        return OK;
    case ENTRY_CARD:
        return take_card(ctx, &content->card, &send->content);
    case ENTRY_CUSTOM:
        send->content = json_of(ctx, &custom_shape, &content->custom);
        return OK;
    case ENTRY_SYSTEM:
    case ENTRY_MERGED:
    case ENTRY_RECALL:
    case ENTRY_EDIT:
    case ENTRY_REACTION:
        break;
    }
    return fail_field(ctx, "type", "is nothing that can be sent");
}
