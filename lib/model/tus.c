/* Headers of tus. */
#include "model/tus.h"

#include "base/sha1.h"
#include "model/filenames.h"

enum err tus_name(struct ctx *ctx, struct str metadata, struct str *out)
{
    struct str pair, key, name = STR("");

    while (str_cut(&metadata, ',', &pair)) {
        while (pair.n && *pair.p == ' ')
            pair = (struct str){pair.p + 1, pair.n - 1};
        if (!str_cut(&pair, ' ', &key) || !str_eq(key, STR("filename")))
            continue;
        if (!crypt_base64_decode(ctx->arena, pair, &name))
            return fail_field(ctx, "Upload-Metadata", "has a filename that is no Base64");
    }
    return file_name_check(ctx, "Upload-Metadata", name, out);
}

enum err tus_checksum(struct ctx *ctx, struct str header, struct upload_piece *piece)
{
    struct str name, digest;

    if (!header.n)
        return OK;
    if (!str_cut(&header, ' ', &name) || !crypt_base64_decode(ctx->arena, header, &digest))
        return fail_field(ctx, "Upload-Checksum", "must be an algorithm and a digest in Base64");
    piece->check = str_eq(name, STR("sha1"))     ? UPLOAD_SHA1
                   : str_eq(name, STR("sha256")) ? UPLOAD_SHA256
                                                 : UPLOAD_NO_CHECK;
    if (piece->check == UPLOAD_NO_CHECK)
        return fail_field(ctx, "Upload-Checksum", "must be sha1 or sha256");
    if (digest.n != (piece->check == UPLOAD_SHA1 ? SHA1_BYTES : CRYPT_SHA256_BYTES))
        return fail_field(ctx, "Upload-Checksum", "has a digest of another length");
    memcpy(piece->digest, digest.p, digest.n);
    return OK;
}
