/* Names of the engine's objects by their keys and ids, read once per command. */
#ifndef OPENWFP_WFP_NAMES_H
#define OPENWFP_WFP_NAMES_H

#include <fwpmu.h>

#include "src/wfp/describe.h"

struct names_entry {
    GUID key;
    const char *name;
    UINT32 weight; /* of a sublayer */
    const struct names_entry *next;
};

struct object_names {
    struct arena *arena;
    const struct names_entry *sublayers, *callouts, *providers;
};

DWORD names_read(struct object_names *names, struct arena *arena, HANDLE engine);

/* The entry of a key, NULL when there is none. */
const struct names_entry *names_find(const struct names_entry *list, const GUID *key);

/* The name, or the key as text. */
const char *names_text(struct arena *arena, const struct names_entry *list, const GUID *key);

/* This machine's names, and these callouts'. */
struct describer names_describer(struct object_names *names);

#endif
