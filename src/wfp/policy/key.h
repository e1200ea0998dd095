/*
 * GUIDs derived from names and contents: the same text always gives the same key, so applying a
 * policy twice names the same objects. They are version 8 (custom) GUIDs of a 128-bit FNV-1a
 * hash: stable, not secret, and not meant to withstand who tries to make two collide.
 */
#ifndef OPENWFP_POLICY_KEY_H
#define OPENWFP_POLICY_KEY_H

#include <stddef.h>

#include <fwpmu.h>

struct hash {
    unsigned __int128 state;
};

void hash_start(struct hash *hash);
void hash_bytes(struct hash *hash, const void *bytes, size_t size);
void hash_text(struct hash *hash, const char *text); /* with its end */
GUID hash_key(const struct hash *hash);

GUID key_of_provider(const char *policy);
GUID key_of_sublayer(const char *policy, const char *sublayer);
GUID key_of_callout(const char *name);

/* Everything of a filter but its key: two filters with one key are the same filter. */
GUID key_of_filter(const FWPM_FILTER0 *filter);

#endif
