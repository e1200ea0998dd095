/* SIDs, tokens and security descriptors. */
#include <string.h>

#include "model/sd.h"
#include "rpc/convert_private.h"

#define SID_HEAD 8

bool encode_sid(struct converter *c, const SID *sid, ProtobufCBinaryData *bytes)
{
    const uint8_t *raw = (const uint8_t *)sid;

    if (!sid)
        return refuse(c, FWP_E_NULL_POINTER, "a null pointer instead of a SID");
    if (raw[0] != 1 || raw[1] > SID_MAX_SUBS)
        return refuse(c, ERROR_INVALID_SID, "a SID of revision %u with %u parts", raw[0], raw[1]);
    *bytes = (ProtobufCBinaryData){.len = SID_HEAD + 4u * raw[1], .data = (uint8_t *)sid};
    return true;
}

bool decode_sid(struct converter *c, ProtobufCBinaryData bytes, SID **sid)
{
    *sid = (SID *)bytes.data;
    if (!bytes.len)
        return refuse(c, FWP_E_NULL_POINTER, "a null pointer instead of a SID");
    if (sid_size(bytes.data, bytes.len) != bytes.len)
        return refuse(c, ERROR_INVALID_SID, "a malformed SID of %zu bytes", bytes.len);
    return true;
}

/* ---- tokens */

static bool encode_sids(struct converter *c, UINT32 count, const SID_AND_ATTRIBUTES *sids,
                        size_t *n, Rpc__SidAndAttributes ***messages)
{
    if (count > RPC_MAX_SIDS)
        return refuse(c, FWP_E_INVALID_PARAMETER, "a token of %u SIDs, at most %u are taken", count,
                      RPC_MAX_SIDS);
    if (count && !sids)
        return refuse(c, FWP_E_NULL_POINTER, "a token of %u SIDs at a null pointer", count);
    *messages = take_pointers(c, count);
    if (!*messages)
        return false;
    for (*n = 0; *n < count; ++*n) {
        Rpc__SidAndAttributes *sid =
            NEW_MESSAGE(c, Rpc__SidAndAttributes, rpc__sid_and_attributes__init);

        if (!sid || !encode_sid(c, sids[*n].Sid, &sid->sid))
            return false;
        sid->attributes = sids[*n].Attributes;
        (*messages)[*n] = sid;
    }
    return true;
}

bool encode_token(struct converter *c, const FWP_TOKEN_INFORMATION *token,
                  Rpc__TokenInformation **message)
{
    if (!token)
        return refuse(c, FWP_E_NULL_POINTER, "a null pointer instead of a token");
    *message = NEW_MESSAGE(c, Rpc__TokenInformation, rpc__token_information__init);
    return *message &&
           encode_sids(c, token->sidCount, token->sids, &(*message)->n_sids, &(*message)->sids) &&
           encode_sids(c, token->restrictedSidCount, token->restrictedSids,
                       &(*message)->n_restricted, &(*message)->restricted);
}

static bool decode_sids(struct converter *c, size_t n, Rpc__SidAndAttributes **messages,
                        UINT32 *count, PSID_AND_ATTRIBUTES *sids)
{
    if (n > RPC_MAX_SIDS)
        return refuse(c, FWP_E_INVALID_PARAMETER, "a token of %zu SIDs, at most %u are taken", n,
                      RPC_MAX_SIDS);
    *count = (UINT32)n;
    *sids = take_array(c, n, sizeof(**sids));
    if (!*sids)
        return false;
    for (size_t i = 0; i < n; i++) {
        SID *sid;

        if (!decode_sid(c, messages[i]->sid, &sid))
            return false;
        (*sids)[i] = (SID_AND_ATTRIBUTES){.Sid = sid, .Attributes = messages[i]->attributes};
    }
    return true;
}

bool decode_token(struct converter *c, const Rpc__TokenInformation *message,
                  FWP_TOKEN_INFORMATION **token)
{
    if (!message)
        return refuse(c, FWP_E_NULL_POINTER, "a null pointer instead of a token");
    *token = take(c, sizeof(**token));
    return *token &&
           decode_sids(c, message->n_sids, message->sids, &(*token)->sidCount, &(*token)->sids) &&
           decode_sids(c, message->n_restricted, message->restricted, &(*token)->restrictedSidCount,
                       &(*token)->restrictedSids);
}

/* ---- descriptors: self-relative, 20 bytes of header with four offsets, then SIDs and ACLs */

#define SD_HEAD 20

static uint32_t load32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static size_t sid_end(const uint8_t *sd, uint32_t offset)
{
    return offset ? (size_t)offset + SID_HEAD + 4u * sd[offset + 1] : 0;
}

static size_t acl_end(const uint8_t *sd, uint32_t offset)
{
    return offset ? (size_t)offset + (sd[offset + 2] | (size_t)sd[offset + 3] << 8) : 0;
}

size_t sd_length(PSECURITY_DESCRIPTOR descriptor)
{
    const uint8_t *sd = descriptor;
    size_t ends[] = {SD_HEAD, 0, 0, 0, 0}, most = 0;

    for (int i = 0; i < 4; i++)
        if (load32(sd + 4 + 4 * i) > SD_MAX_SIZE)
            return 0;
    ends[1] = sid_end(sd, load32(sd + 4));
    ends[2] = sid_end(sd, load32(sd + 8));
    ends[3] = acl_end(sd, load32(sd + 12));
    ends[4] = acl_end(sd, load32(sd + 16));
    for (int i = 0; i < 5; i++)
        most = ends[i] > most ? ends[i] : most;
    return most <= SD_MAX_SIZE ? most : 0;
}

bool encode_sd(struct converter *c, PSECURITY_DESCRIPTOR sd, ProtobufCBinaryData *bytes)
{
    size_t size;
    struct sd opened;
    const char *why = "offsets outside of it";

    *bytes = (ProtobufCBinaryData){0};
    if (!sd)
        return true;
    if (!(((const uint8_t *)sd)[3] & SD_SELF_RELATIVE >> 8))
        return refuse(c, ERROR_INVALID_SECURITY_DESCR,
                      "the security descriptor is not self-relative");
    size = sd_length(sd);
    if (!size || !sd_open(&opened, sd, size, &why))
        return refuse(c, ERROR_INVALID_SECURITY_DESCR, "malformed security descriptor: %s", why);
    *bytes = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)sd};
    return true;
}
