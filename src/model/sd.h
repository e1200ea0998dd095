/*
 * Security identifiers and descriptors (rule 24.x) in their binary forms, and access checks for
 * Unix users. A user uid is S-1-22-1-<uid>, a group gid is S-1-22-2-<gid>.
 *
 * Descriptors are self-relative and come from clients: a `struct sd` may only be got from sd_open,
 * which checks every length and offset; all other functions trust it.
 */
#ifndef OPENWFP_MODEL_SD_H
#define OPENWFP_MODEL_SD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fwptypes.h>

#define SID_MAX_SUBS 15
#define SID_MAX_SIZE (8 + 4 * SID_MAX_SUBS)
#define SD_MAX_SIZE  65536u

/* ---- SIDs: the binary form, unaligned, `size` bytes of `sid` are readable ---- */

struct sid {
    uint8_t size; /* used bytes */
    uint8_t bytes[SID_MAX_SIZE];
};

/* Size of the SID that starts at bytes, 0 when it is malformed or longer than `available`. */
size_t sid_size(const void *bytes, size_t available);
bool sid_load(struct sid *sid, const void *bytes, size_t available);
bool sid_equal(const struct sid *a, const struct sid *b);
struct sid sid_of_uid(uint32_t uid);
struct sid sid_of_gid(uint32_t gid);
struct sid sid_everyone(void);       /* S-1-1-0 */
struct sid sid_administrators(void); /* S-1-5-32-544 */
struct sid sid_owner_rights(void);   /* S-1-3-4 */
bool sid_to_uid(const struct sid *sid, uint32_t *uid);
bool sid_to_gid(const struct sid *sid, uint32_t *gid);

/* "S-1-22-1-1000"; buffer of SID_TEXT_SIZE. */
#define SID_TEXT_SIZE 192
char *sid_format(const struct sid *sid, char text[SID_TEXT_SIZE]);
/* "S-1-…" or an SDDL alias (WD, BA, SY, …); *end is set behind it. */
bool sid_parse(const char *text, const char **end, struct sid *sid);

/* ---- descriptors ---- */

struct sd {
    const uint8_t *bytes;
    uint32_t size;
    uint16_t control;
    uint32_t owner, group, sacl, dacl; /* offsets; 0 = not there */
};

#define SD_DACL_PRESENT   0x0004u
#define SD_SACL_PRESENT   0x0010u
#define SD_DACL_PROTECTED 0x1000u
#define SD_SACL_PROTECTED 0x2000u
#define SD_SELF_RELATIVE  0x8000u

#define SD_ACE_ALLOW 0
#define SD_ACE_DENY  1
#define SD_ACE_AUDIT 2

#define SD_ACE_OBJECT_INHERIT    0x01
#define SD_ACE_CONTAINER_INHERIT 0x02
#define SD_ACE_INHERIT_ONLY      0x08
#define SD_ACE_INHERITED         0x10

#define SD_RIGHT_DELETE          0x00010000u
#define SD_RIGHT_READ_CONTROL    0x00020000u
#define SD_RIGHT_WRITE_DAC       0x00040000u
#define SD_RIGHT_WRITE_OWNER     0x00080000u
#define SD_RIGHT_MAXIMUM         0x02000000u
#define SD_RIGHT_GENERIC_ALL     0x10000000u
#define SD_RIGHT_GENERIC_EXECUTE 0x20000000u
#define SD_RIGHT_GENERIC_WRITE   0x40000000u
#define SD_RIGHT_GENERIC_READ    0x80000000u

/* False: not a well-formed self-relative descriptor; *why (may be NULL) says what is wrong. */
bool sd_open(struct sd *sd, const void *bytes, size_t size, const char **why);
bool sd_owner(const struct sd *sd, struct sid *owner);
bool sd_group(const struct sd *sd, struct sid *group);

struct sd_ace {
    uint8_t type, flags;
    uint32_t mask;
    struct sid sid;
};

/* Entries of an ACL at an offset from sd (sd.dacl, sd.sacl). Loop: for (n = 0; sd_ace(…, n, &ace);
 * n++) */
bool sd_ace(const struct sd *sd, uint32_t acl, unsigned index, struct sd_ace *ace);

/* ---- who asks ---- */

/* Everyone is a member of "everyone" without its being listed; owner is matched by S-1-3-4. */
struct sd_token {
    const struct sid *sids; /* [0] is the user */
    size_t count;
};

bool sd_token_has(const struct sd_token *token, const struct sid *sid);

/* What GENERIC_* mean for a kind of object. */
struct sd_generic {
    uint32_t read, write, execute, all;
};

/*
 * Walks a DACL in order: an ACE decides the bits of `wanted` no earlier ACE has decided. Adds to
 * *granted and *denied. inherited: look only at ACEs that children inherit.
 */
void sd_walk(const struct sd *sd, const struct sd_token *token, const struct sd_generic *generic,
             bool inherited, uint32_t *granted, uint32_t *denied);

/*
 * The whole check against one descriptor: no DACL grants everything, an empty one nothing; the
 * owner always has READ_CONTROL and WRITE_DAC. A condition matches (rule 3.10) when sd_check(sd,
 * token, FWP_ACTRL_MATCH_FILTER, NULL).
 */
bool sd_check(const struct sd *sd, const struct sd_token *token, uint32_t wanted,
              const struct sd_generic *generic);

/* ---- making ---- */

struct sd_parts {
    const struct sid *owner, *group; /* NULL = none */
    uint16_t control;                /* SD_DACL_PRESENT, SD_DACL_PROTECTED, … */
    const struct sd_ace *dacl;
    size_t dacl_count;
    const struct sd_ace *sacl;
    size_t sacl_count;
};

/* A self-relative descriptor in malloc'ed memory; false when memory is short or it gets too big. */
bool sd_make(const struct sd_parts *parts, FWP_BYTE_BLOB *made);

/* ---- SDDL ---- */

/*
 * "O:BAG:BAD:P(A;;CC;;;S-1-22-1-1000)" to a descriptor and back. Rights in text: 0x… numbers, the
 * generic (GA GR GW GX), standard (RC SD WD WO) and the directory-service letters CC DC LC SW RP WP
 * DT LO CR, which are bits 0…8 and so also FWP_ACTRL_MATCH_FILTER (CC) and FWPM_ACTRL_*. Object
 * ACEs and conditional ACEs are refused. On error *at (may be NULL) points into text and *why says
 * what is wrong.
 */
bool sddl_parse(const char *text, FWP_BYTE_BLOB *made, const char **at, const char **why);
/* malloc'ed text; NULL when memory is short. */
char *sddl_format(const struct sd *sd);

#endif
