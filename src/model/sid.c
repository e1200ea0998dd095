#include "sd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIX_AUTHORITY 22
#define UNIX_USER      1
#define UNIX_GROUP     2

size_t sid_size(const void *bytes, size_t available)
{
    const uint8_t *sid = bytes;

    if (available < 8 || sid[0] != 1 || sid[1] > SID_MAX_SUBS)
        return 0;
    size_t size = 8 + 4 * (size_t)sid[1];
    return size <= available ? size : 0;
}

bool sid_load(struct sid *sid, const void *bytes, size_t available)
{
    sid->size = (uint8_t)sid_size(bytes, available);
    memcpy(sid->bytes, bytes, sid->size);
    return sid->size != 0;
}

bool sid_equal(const struct sid *a, const struct sid *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static bool sid_add_sub(struct sid *sid, uint32_t value)
{
    if (sid->bytes[1] >= SID_MAX_SUBS)
        return false;
    for (int i = 0; i < 4; i++)
        sid->bytes[sid->size + i] = (uint8_t)(value >> (8 * i));
    sid->size = (uint8_t)(sid->size + 4);
    sid->bytes[1]++;
    return true;
}

static uint32_t sid_sub(const struct sid *sid, unsigned index)
{
    const uint8_t *b = sid->bytes + 8 + 4 * index;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static struct sid sid_start(uint64_t authority)
{
    struct sid sid = {.size = 8, .bytes = {1}};

    for (int i = 0; i < 6; i++)
        sid.bytes[2 + i] = (uint8_t)(authority >> (8 * (5 - i)));
    return sid;
}

static struct sid sid_of(uint64_t authority, unsigned count, uint32_t first, uint32_t second)
{
    struct sid sid = sid_start(authority);

    sid_add_sub(&sid, first);
    if (count > 1)
        sid_add_sub(&sid, second);
    return sid;
}

struct sid sid_of_uid(uint32_t uid)
{
    return sid_of(UNIX_AUTHORITY, 2, UNIX_USER, uid);
}

struct sid sid_of_gid(uint32_t gid)
{
    return sid_of(UNIX_AUTHORITY, 2, UNIX_GROUP, gid);
}

struct sid sid_everyone(void)
{
    return sid_of(1, 1, 0, 0);
}

struct sid sid_administrators(void)
{
    return sid_of(5, 2, 32, 544);
}

struct sid sid_owner_rights(void)
{
    return sid_of(3, 1, 4, 0);
}

static bool unix_id(const struct sid *sid, uint32_t kind, uint32_t *id)
{
    struct sid expected = sid_of(UNIX_AUTHORITY, 1, kind, 0);

    expected.bytes[1] = 2;
    if (sid->size != 16 || memcmp(sid->bytes, expected.bytes, 12) != 0)
        return false;
    *id = sid_sub(sid, 1);
    return true;
}

bool sid_to_uid(const struct sid *sid, uint32_t *uid)
{
    return unix_id(sid, UNIX_USER, uid);
}

bool sid_to_gid(const struct sid *sid, uint32_t *gid)
{
    return unix_id(sid, UNIX_GROUP, gid);
}

char *sid_format(const struct sid *sid, char text[SID_TEXT_SIZE])
{
    uint64_t authority = 0;
    int used;

    for (int i = 0; i < 6; i++)
        authority = authority << 8 | sid->bytes[2 + i];
    used = snprintf(text, SID_TEXT_SIZE, authority >> 32 ? "S-1-0x%" PRIx64 : "S-1-%" PRIu64,
                    authority);
    for (unsigned i = 0; i < sid->bytes[1]; i++)
        used += snprintf(text + used, SID_TEXT_SIZE - (size_t)used, "-%" PRIu32, sid_sub(sid, i));
    return text;
}

/* SDDL's names for well-known SIDs that are of use here. */
static bool sid_alias(const char *text, struct sid *sid)
{
    static const struct {
        char name[3];
        uint8_t authority, count;
        uint16_t first, second;
    } aliases[] = {
        {"WD", 1, 1, 0, 0},    {"CO", 3, 1, 0, 0},    {"CG", 3, 1, 1, 0},    {"OW", 3, 1, 4, 0},
        {"NU", 5, 1, 2, 0},    {"IU", 5, 1, 4, 0},    {"SU", 5, 1, 6, 0},    {"AN", 5, 1, 7, 0},
        {"PS", 5, 1, 10, 0},   {"AU", 5, 1, 11, 0},   {"RC", 5, 1, 12, 0},   {"SY", 5, 1, 18, 0},
        {"LS", 5, 1, 19, 0},   {"NS", 5, 1, 20, 0},   {"BA", 5, 2, 32, 544}, {"BU", 5, 2, 32, 545},
        {"BG", 5, 2, 32, 546}, {"PU", 5, 2, 32, 547}, {"NO", 5, 2, 32, 556}};

    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (strncmp(text, aliases[i].name, 2) == 0) {
            *sid =
                sid_of(aliases[i].authority, aliases[i].count, aliases[i].first, aliases[i].second);
            return true;
        }
    }
    return false;
}

/* Digits only: strtoull would take signs and blanks too. */
static bool parse_number(const char **text, uint64_t most, uint64_t *number)
{
    int base = strncmp(*text, "0x", 2) == 0 ? 16 : 10;
    const char *digits = base == 16 ? *text + 2 : *text;
    char *end;

    if (!*digits || !strchr(base == 16 ? "0123456789abcdefABCDEF" : "0123456789", *digits))
        return false;
    *number = strtoull(digits, &end, base);
    *text = end;
    return *number <= most;
}

bool sid_parse(const char *text, const char **end, struct sid *sid)
{
    uint64_t number;

    if (strncmp(text, "S-1-", 4) != 0) {
        *end = text + 2;
        return sid_alias(text, sid);
    }
    text += 4;
    if (!parse_number(&text, 0xffffffffffffu, &number))
        return false;
    *sid = sid_start(number);
    while (*text == '-') {
        text++;
        if (!parse_number(&text, UINT32_MAX, &number) || !sid_add_sub(sid, (uint32_t)number))
            return false;
    }
    *end = text;
    return sid->bytes[1] > 0;
}
