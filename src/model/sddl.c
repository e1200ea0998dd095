/* Security descriptors as text: https://learn.microsoft.com/windows/win32/secauthz/ace-strings */
#include "sd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ACES 1024

struct name {
    char text[3];
    uint32_t value;
};

/* Letters of the directory service are the low bits, so FWPM_ACTRL_* can be written with them. */
static const struct name rights[] = {
    {"GA", SD_RIGHT_GENERIC_ALL},
    {"GX", SD_RIGHT_GENERIC_EXECUTE},
    {"GW", SD_RIGHT_GENERIC_WRITE},
    {"GR", SD_RIGHT_GENERIC_READ},
    {"SD", SD_RIGHT_DELETE},
    {"RC", SD_RIGHT_READ_CONTROL},
    {"WD", SD_RIGHT_WRITE_DAC},
    {"WO", SD_RIGHT_WRITE_OWNER},
    {"CC", 0x1},
    {"DC", 0x2},
    {"LC", 0x4},
    {"SW", 0x8},
    {"RP", 0x10},
    {"WP", 0x20},
    {"DT", 0x40},
    {"LO", 0x80},
    {"CR", 0x100},
    {"", 0},
};
static const struct name ace_types[] = {
    {"A", SD_ACE_ALLOW}, {"D", SD_ACE_DENY}, {"AU", SD_ACE_AUDIT}, {"", 0}};
static const struct name ace_flags[] = {{"OI", SD_ACE_OBJECT_INHERIT},
                                        {"CI", SD_ACE_CONTAINER_INHERIT},
                                        {"NP", 0x04},
                                        {"IO", SD_ACE_INHERIT_ONLY},
                                        {"ID", SD_ACE_INHERITED},
                                        {"SA", 0x40},
                                        {"FA", 0x80},
                                        {"", 0}};
static const struct name acl_flags[] = {{"P", 0x1000}, {"AR", 0x0100}, {"AI", 0x0400}, {"", 0}};

/* ---- parsing ---- */

struct sddl {
    const char *at;
    const char *why; /* set by the first error */
    struct sid owner, group;
    uint16_t control;
    size_t dacl_count, sacl_count;
    struct sd_ace *dacl, *sacl; /* MAX_ACES each, sacl right behind dacl */
};

static bool fail(struct sddl *p, const char *why)
{
    p->why = why;
    return false;
}

static bool skip(struct sddl *p, char c)
{
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

/* Takes names from the table as long as they come. */
static uint32_t take_names(struct sddl *p, const struct name *names)
{
    uint32_t value = 0;

    for (const struct name *n = names; n->text[0];) {
        size_t length = strlen(n->text);

        if (strncmp(p->at, n->text, length) == 0) {
            value |= n->value;
            p->at += length;
            n = names;
        } else {
            n++;
        }
    }
    return value;
}

static bool take_rights(struct sddl *p, uint32_t *mask)
{
    const char *start = p->at;

    if (strncmp(p->at, "0x", 2) == 0) {
        char *end;
        unsigned long long number = strtoull(p->at + 2, &end, 16);

        *mask = (uint32_t)number;
        if (end == p->at + 2 || number > UINT32_MAX)
            return fail(p, "rights are a hexadecimal number of at most 32 bits");
        p->at = end;
        return true;
    }
    *mask = take_names(p, rights);
    return p->at != start || fail(p, "unknown access right");
}

static bool take_sid(struct sddl *p, struct sid *sid)
{
    const char *end;

    if (!sid_parse(p->at, &end, sid))
        return fail(p, "neither a SID (S-1-…) nor a known alias (WD, BA, SY, …)");
    p->at = end;
    return true;
}

static bool take_semicolon(struct sddl *p)
{
    return skip(p, ';') || fail(p, "an entry is (type;flags;rights;;;SID): ';' expected");
}

/* type;flags;rights;object;inherited object;SID — with both object fields empty. */
static bool take_ace(struct sddl *p, struct sd_ace *ace)
{
    const struct name *type = ace_types;

    while (type->text[0] && (strncmp(p->at, type->text, strlen(type->text)) != 0 ||
                             p->at[strlen(type->text)] != ';'))
        type++;
    if (!type->text[0])
        return fail(p, "an entry's type is A (allow), D (deny) or AU (audit)");
    p->at += strlen(type->text);
    ace->type = (uint8_t)type->value;
    if (!take_semicolon(p))
        return false;
    ace->flags = (uint8_t)take_names(p, ace_flags);
    if (!take_semicolon(p) || !take_rights(p, &ace->mask) || !take_semicolon(p) ||
        !take_semicolon(p) || !take_semicolon(p) || !take_sid(p, &ace->sid))
        return false;
    return skip(p, ')') || fail(p, "')' expected behind the entry's SID");
}

static bool take_acl(struct sddl *p, struct sd_ace *aces, size_t *count)
{
    while (skip(p, '(')) {
        if (*count == MAX_ACES)
            return fail(p, "more than 1024 entries");
        if (!take_ace(p, &aces[(*count)++]))
            return false;
    }
    return true;
}

static bool take_part(struct sddl *p)
{
    char part = *p->at;

    if (!part || p->at[1] != ':')
        return fail(p, "O:, G:, D: or S: expected");
    p->at += 2;
    switch (part) {
    case 'O':
        return take_sid(p, &p->owner);
    case 'G':
        return take_sid(p, &p->group);
    case 'D':
        p->control |= (uint16_t)(SD_DACL_PRESENT | take_names(p, acl_flags));
        return take_acl(p, p->dacl, &p->dacl_count);
    case 'S':
        p->control |= (uint16_t)(SD_SACL_PRESENT | take_names(p, acl_flags) << 1);
        return take_acl(p, p->sacl, &p->sacl_count);
    default:
        p->at -= 2;
        return fail(p, "O:, G:, D: or S: expected");
    }
}

static bool make(struct sddl *p, FWP_BYTE_BLOB *made)
{
    struct sd_parts parts = {
        .owner = p->owner.size ? &p->owner : NULL,
        .group = p->group.size ? &p->group : NULL,
        .control = p->control,
        .dacl = p->dacl,
        .dacl_count = p->dacl_count,
        .sacl = p->sacl,
        .sacl_count = p->sacl_count,
    };
    return sd_make(&parts, made) || fail(p, "the descriptor gets too big");
}

bool sddl_parse(const char *text, FWP_BYTE_BLOB *made, const char **at, const char **why)
{
    struct sddl p = {.at = text, .dacl = calloc(2 * MAX_ACES, sizeof(*p.dacl))};
    bool ok = p.dacl || fail(&p, "out of memory");

    p.sacl = p.dacl ? p.dacl + MAX_ACES : NULL;
    while (ok && *p.at)
        ok = take_part(&p);
    ok = ok && make(&p, made);
    free(p.dacl);
    if (at)
        *at = p.at;
    if (why)
        *why = p.why;
    return ok;
}

/* ---- formatting ---- */

static void put_names(FILE *to, const struct name *names, uint32_t value)
{
    for (; names->text[0]; names++) {
        if (value & names->value)
            fputs(names->text, to);
    }
}

static void put_sid(FILE *to, const struct sid *sid)
{
    char text[SID_TEXT_SIZE];

    fputs(sid_format(sid, text), to);
}

static void put_acl(FILE *to, const struct sd *sd, uint32_t acl)
{
    struct sd_ace ace;

    for (unsigned i = 0; sd_ace(sd, acl, i, &ace); i++) {
        fprintf(to, "(%s;", ace_types[ace.type].text);
        put_names(to, ace_flags, ace.flags);
        fprintf(to, ";0x%x;;;", ace.mask);
        put_sid(to, &ace.sid);
        fputc(')', to);
    }
}

char *sddl_format(const struct sd *sd)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    struct sid sid;

    if (!to)
        return NULL;
    if (sd_owner(sd, &sid)) {
        fputs("O:", to);
        put_sid(to, &sid);
    }
    if (sd_group(sd, &sid)) {
        fputs("G:", to);
        put_sid(to, &sid);
    }
    if (sd->dacl) {
        fputs("D:", to);
        put_names(to, acl_flags, sd->control);
        put_acl(to, sd, sd->dacl);
    }
    if (sd->sacl) {
        fputs("S:", to);
        put_names(to, acl_flags, sd->control >> 1);
        put_acl(to, sd, sd->sacl);
    }
    bool bad = ferror(to);
    if (fclose(to) != 0 || bad) {
        free(text);
        return NULL;
    }
    return text;
}
