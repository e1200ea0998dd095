/*
 * What a record of the policy journal is made of: entries, each saying how one thing is now. A
 * later entry about the same thing (same class, kind, key) replaces an earlier one.
 */
#ifndef OPENWFP_BFE_STORE_ENTRY_H
#define OPENWFP_BFE_STORE_ENTRY_H

#include <stdbool.h>

#include "model/model.h"

enum entry_class {
    ENTRY_OBJECT,   /* one of the five kinds: sd, body = the object as rpc message */
    ENTRY_SECURITY, /* a container's or layer's descriptor: sd */
    ENTRY_OPTION,   /* key.Data1 = FWPM_ENGINE_OPTION, id = value */
    ENTRY_IDS,      /* ids of the kind up to `id` may have been used */
    ENTRY_CODE,   /* a callout's code: id = slot, creator = callout id, time; body = file name, NUL,
                     object file */
    ENTRY_DRIVER, /* a callout driver, key = its own: body as driver_pack makes it */
    ENTRY_SEQUENCE, /* id = the store's last transaction that the journal knows of */
    ENTRY_CLASSES
};

struct store_entry {
    uint8_t class, kind, lifetime;
    bool gone;  /* the thing was deleted; nothing else counts */
    bool keyed; /* SECURITY: key counts, else it is the container */
    uint32_t creator;
    uint64_t id, time;
    GUID key;
    uint32_t sd_size, body_size;
    const uint8_t *sd, *body;
};

#define ENTRY_HEAD 56 /* bytes of an entry before sd and body */

size_t entry_size(const struct store_entry *entry);
/* Writes entry_size bytes. */
void entry_write(const struct store_entry *entry, uint8_t *bytes);
/* Reads the entry at bytes, which it will point into; its size, or 0 when it is malformed. */
size_t entry_read(struct store_entry *entry, const uint8_t *bytes, size_t available);

/* Order by class, kind, key. */
int entry_compare(const struct store_entry *a, const struct store_entry *b);

#endif
