/* Entries of the record being built, made from what they are about. 0 or a negative errno. */
#ifndef OPENWFP_BFE_STORE_PUT_H
#define OPENWFP_BFE_STORE_PUT_H

#include "store.h"
#include "store_entry.h"

struct driver;
struct engine_code;

int record_put(struct store *store, const struct store_entry *entry);

/* Whether objects of that lifetime are kept at all. */
bool put_kept(enum model_lifetime lifetime);

int put_object(struct store *store, const GUID *key, const struct model_stored *stored);
int put_gone(struct store *store, const struct store_note *note);
int put_security(struct store *store, const struct store_note *note);
int put_option(struct store *store, FWPM_ENGINE_OPTION option);
int put_code_of(struct store *store, const struct engine_code *code);
int put_driver(struct store *store, const struct driver *driver);
int put_ids(struct store *store, enum model_kind kind);
int put_sequence(struct store *store, uint64_t sequence);

/* What is so now of what was noted; nothing, when an object is not there and was not `gone`. */
int put_note(struct store *store, const struct store_note *note);

/* An object's entry becomes history. */
void put_forget(struct store *store);

#endif
