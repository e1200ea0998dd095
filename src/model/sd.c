#include "sd.h"

#include <stdlib.h>
#include <string.h>

#define SD_HEADER  20
#define ACL_HEADER 8
#define ACE_HEADER 8 /* type, flags, size, mask; the SID follows */

static uint16_t get16(const uint8_t *b)
{
    return (uint16_t)(b[0] | b[1] << 8);
}

static uint32_t get32(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put16(uint8_t *b, size_t value)
{
    b[0] = (uint8_t)value;
    b[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *b, uint32_t value)
{
    put16(b, value & 0xffff);
    put16(b + 2, value >> 16);
}

/* ---- opening ---- */

static bool sid_is_sound(const struct sd *sd, uint32_t offset)
{
    return offset == 0 || (offset >= SD_HEADER && offset < sd->size &&
                           sid_size(sd->bytes + offset, sd->size - offset) != 0);
}

static bool ace_has_sid(uint8_t type)
{
    return type == SD_ACE_ALLOW || type == SD_ACE_DENY || type == SD_ACE_AUDIT;
}

static const char *acl_fault(const struct sd *sd, uint32_t offset)
{
    if (offset == 0)
        return NULL;
    if (offset < SD_HEADER || offset > sd->size || sd->size - offset < ACL_HEADER)
        return "an ACL lies outside of the descriptor";

    const uint8_t *acl = sd->bytes + offset;
    uint32_t size = get16(acl + 2), at = ACL_HEADER;

    if (size < ACL_HEADER || size > sd->size - offset)
        return "an ACL is longer than the descriptor";
    for (unsigned n = get16(acl + 4); n > 0; n--) {
        if (size - at < ACE_HEADER)
            return "an ACL has fewer entries than it says";
        uint32_t ace = get16(acl + at + 2);
        if (ace < ACE_HEADER || ace > size - at)
            return "an access control entry is longer than its list";
        if (!ace_has_sid(acl[at]))
            return "only allow, deny and audit entries are supported";
        if (sid_size(acl + at + ACE_HEADER, ace - ACE_HEADER) == 0)
            return "an access control entry has no valid SID";
        at += ace;
    }
    return NULL;
}

static const char *sd_fault(struct sd *sd, const uint8_t *bytes, size_t size)
{
    const char *fault;

    if (size < SD_HEADER || size > SD_MAX_SIZE)
        return "the descriptor's size is not between 20 and 65536 bytes";
    *sd = (struct sd){.bytes = bytes, .size = (uint32_t)size, .control = get16(bytes + 2)};
    if (bytes[0] != 1)
        return "the descriptor's revision is not 1";
    if (!(sd->control & SD_SELF_RELATIVE))
        return "the descriptor is absolute, not self-relative";
    sd->owner = get32(bytes + 4);
    sd->group = get32(bytes + 8);
    if (!sid_is_sound(sd, sd->owner) || !sid_is_sound(sd, sd->group))
        return "the owner's or group's SID is malformed";
    if (sd->control & SD_SACL_PRESENT)
        sd->sacl = get32(bytes + 12);
    if (sd->control & SD_DACL_PRESENT)
        sd->dacl = get32(bytes + 16);
    fault = acl_fault(sd, sd->sacl);
    return fault ? fault : acl_fault(sd, sd->dacl);
}

bool sd_open(struct sd *sd, const void *bytes, size_t size, const char **why)
{
    const char *fault = bytes ? sd_fault(sd, bytes, size) : "there is no descriptor";

    if (why)
        *why = fault;
    return !fault;
}

static bool load_at(const struct sd *sd, uint32_t offset, struct sid *sid)
{
    return offset && sid_load(sid, sd->bytes + offset, sd->size - offset);
}

bool sd_owner(const struct sd *sd, struct sid *owner)
{
    return load_at(sd, sd->owner, owner);
}

bool sd_group(const struct sd *sd, struct sid *group)
{
    return load_at(sd, sd->group, group);
}

/* ---- reading ---- */

static void ace_load(const uint8_t *bytes, struct sd_ace *ace)
{
    ace->type = bytes[0];
    ace->flags = bytes[1];
    ace->mask = get32(bytes + 4);
    sid_load(&ace->sid, bytes + ACE_HEADER, get16(bytes + 2) - (size_t)ACE_HEADER);
}

bool sd_ace(const struct sd *sd, uint32_t acl, unsigned index, struct sd_ace *ace)
{
    if (!acl || index >= get16(sd->bytes + acl + 4))
        return false;

    const uint8_t *at = sd->bytes + acl + ACL_HEADER;
    while (index--)
        at += get16(at + 2);
    ace_load(at, ace);
    return true;
}

bool sd_token_has(const struct sd_token *token, const struct sid *sid)
{
    struct sid everyone = sid_everyone();

    if (sid_equal(sid, &everyone))
        return true;
    for (size_t i = 0; i < token->count; i++) {
        if (sid_equal(&token->sids[i], sid))
            return true;
    }
    return false;
}

static bool owned_by(const struct sd *sd, const struct sd_token *token)
{
    struct sid owner;

    return sd_owner(sd, &owner) && sd_token_has(token, &owner);
}

static bool ace_is_for(const struct sd_ace *ace, const struct sd *sd, const struct sd_token *token)
{
    struct sid owner_rights = sid_owner_rights();

    if (sid_equal(&ace->sid, &owner_rights))
        return owned_by(sd, token);
    return sd_token_has(token, &ace->sid);
}

static uint32_t map_generic(uint32_t mask, const struct sd_generic *generic)
{
    if (!generic)
        return mask;
    if (mask & SD_RIGHT_GENERIC_READ)
        mask |= generic->read;
    if (mask & SD_RIGHT_GENERIC_WRITE)
        mask |= generic->write;
    if (mask & SD_RIGHT_GENERIC_EXECUTE)
        mask |= generic->execute;
    if (mask & SD_RIGHT_GENERIC_ALL)
        mask |= generic->all;
    return mask;
}

static bool ace_counts(const struct sd_ace *ace, bool inherited)
{
    if (inherited)
        return ace->flags & (SD_ACE_OBJECT_INHERIT | SD_ACE_CONTAINER_INHERIT);
    return !(ace->flags & SD_ACE_INHERIT_ONLY);
}

void sd_walk(const struct sd *sd, const struct sd_token *token, const struct sd_generic *generic,
             bool inherited, uint32_t *granted, uint32_t *denied)
{
    if (!sd->dacl)
        return;

    const uint8_t *at = sd->bytes + sd->dacl + ACL_HEADER;
    for (unsigned n = get16(sd->bytes + sd->dacl + 4); n > 0; n--, at += get16(at + 2)) {
        struct sd_ace ace;

        ace_load(at, &ace);
        if (!ace_counts(&ace, inherited) || !ace_is_for(&ace, sd, token))
            continue;
        uint32_t mask = map_generic(ace.mask, generic);
        if (ace.type == SD_ACE_ALLOW)
            *granted |= mask & ~*denied;
        else if (ace.type == SD_ACE_DENY)
            *denied |= mask & ~*granted;
    }
}

bool sd_check(const struct sd *sd, const struct sd_token *token, uint32_t wanted,
              const struct sd_generic *generic)
{
    uint32_t granted = 0, denied = 0;

    if (!sd->dacl)
        return true;
    if (owned_by(sd, token))
        granted = SD_RIGHT_READ_CONTROL | SD_RIGHT_WRITE_DAC;
    sd_walk(sd, token, generic, false, &granted, &denied);
    return (map_generic(wanted, generic) & ~granted) == 0;
}

/* ---- making ---- */

static size_t acl_size(const struct sd_ace *aces, size_t count)
{
    size_t size = ACL_HEADER;

    for (size_t i = 0; i < count && size <= SD_MAX_SIZE; i++)
        size += ACE_HEADER + aces[i].sid.size;
    return size;
}

static size_t put_acl(uint8_t *to, const struct sd_ace *aces, size_t count)
{
    size_t at = ACL_HEADER;

    for (size_t i = 0; i < count; i++) {
        to[at] = aces[i].type;
        to[at + 1] = aces[i].flags;
        put16(to + at + 2, ACE_HEADER + (size_t)aces[i].sid.size);
        put32(to + at + 4, aces[i].mask);
        memcpy(to + at + ACE_HEADER, aces[i].sid.bytes, aces[i].sid.size);
        at += ACE_HEADER + aces[i].sid.size;
    }
    to[0] = 2; /* ACL_REVISION */
    put16(to + 2, at);
    put16(to + 4, count);
    return at;
}

static size_t put_sid(uint8_t *to, const struct sid *sid)
{
    memcpy(to, sid->bytes, sid->size);
    return sid->size;
}

static size_t parts_size(const struct sd_parts *parts)
{
    size_t size = SD_HEADER;

    size += parts->owner ? parts->owner->size : 0;
    size += parts->group ? parts->group->size : 0;
    if (parts->control & SD_SACL_PRESENT)
        size += acl_size(parts->sacl, parts->sacl_count);
    if (parts->control & SD_DACL_PRESENT)
        size += acl_size(parts->dacl, parts->dacl_count);
    return size;
}

bool sd_make(const struct sd_parts *parts, FWP_BYTE_BLOB *made)
{
    size_t size = parts_size(parts), at = SD_HEADER;
    /* An ACL's size field has 16 bits, hence SD_MAX_SIZE - 1. */
    uint8_t *sd = size < SD_MAX_SIZE ? calloc(1, size) : NULL;

    if (!sd)
        return false;
    sd[0] = 1;
    put16(sd + 2, parts->control | SD_SELF_RELATIVE);
    if (parts->owner) {
        put32(sd + 4, (uint32_t)at);
        at += put_sid(sd + at, parts->owner);
    }
    if (parts->group) {
        put32(sd + 8, (uint32_t)at);
        at += put_sid(sd + at, parts->group);
    }
    if (parts->control & SD_SACL_PRESENT) {
        put32(sd + 12, (uint32_t)at);
        at += put_acl(sd + at, parts->sacl, parts->sacl_count);
    }
    if (parts->control & SD_DACL_PRESENT) {
        put32(sd + 16, (uint32_t)at);
        put_acl(sd + at, parts->dacl, parts->dacl_count);
    }
    *made = (FWP_BYTE_BLOB){.size = (UINT32)size, .data = sd};
    return true;
}
