/*
 * The inside of a model: objects, the indexes that find them, sessions, the pending transaction.
 * Only files of src/model include this.
 */
#ifndef OPENWFP_MODEL_PRIVATE_H
#define OPENWFP_MODEL_PRIVATE_H

#include "model.h"

#include "error.h"
#include "guid.h"
#include "index.h"
#include "layers.h"
#include "sd.h"
#include "pack.h"
#include "value.h"

#define MODEL_OBJECT_KINDS (MODEL_FILTER + 1)
#define MODEL_LAYER_IDS    128
#define MODEL_RANDOM       4096 /* a multiple of a key's size */

/* ---- objects ---- */

enum object_state {
    OBJECT_COMMITTED,
    OBJECT_ADDED,   /* by the pending transaction: only its session sees it */
    OBJECT_DELETED, /* by the pending transaction: only its session does not see it */
    OBJECT_GONE,    /* unlinked; lives on while something holds it */
};

/* Code for a callout GUID: the id that object and code share (rule 7.1), and the engine's slot. */
struct callout_code {
    struct index_node by_key;
    GUID key;
    uint32_t id, slot;
    uint32_t users; /* callout objects with this key, plus one while code is registered */
};

/* What few objects have. */
struct object_ties {
    struct model_session *owner;                /* of a dynamic one, and … */
    struct object *owned_previous, *owned_next; /* … the session's others */
    struct object *context, *callout;           /* of a filter */
};

/* The FWPM_* structure and all it points to follow in the same allocation. */
struct object {
    struct index_node by_key, by_id;
    struct object *previous, *next; /* in its struct object_list */
    struct object_ties *ties;       /* NULL: none */
    struct object *provider;
    union {
        struct object *sublayer;   /* of a filter */
        struct callout_code *code; /* of a callout */
    };
    FWP_BYTE_BLOB *sd; /* its own descriptor; NULL: it inherits all */
    uint64_t id;
    uint64_t weight;     /* of a filter: effective */
    uint32_t creator;    /* uid; MODEL_BY_ADMINISTRATORS */
    uint32_t references; /* how many objects name this one, as the writer sees it */
    uint32_t pins;       /* who holds it: the store, enumerations */
    uint32_t journal;    /* its entry while ADDED or DELETED */
    uint16_t layer_id;   /* of a filter */
    uint8_t kind, lifetime, state;
    uint64_t body[]; /* FWPM_*0 */
};

#define OBJECT_BODY(object, type) ((type *)(void *)(object)->body)

static inline struct model_session *object_owner(const struct object *object)
{
    return object->ties ? object->ties->owner : NULL;
}

static inline struct object *object_context(const struct object *object)
{
    return object->ties ? object->ties->context : NULL;
}

static inline struct object *object_callout(const struct object *object)
{
    return object->ties ? object->ties->callout : NULL;
}

const GUID *object_key(const struct object *object);
const FWPM_DISPLAY_DATA0 *object_display(const struct object *object);
struct model_object object_public(const struct object *object);
bool object_visible(const struct object *object, const struct model_session *session);

/* `filter 42 "web server" (GUID)`, for messages. */
#define OBJECT_TEXT_SIZE    128
#define OBJECT_TEXT(object) object_text(object, (char[OBJECT_TEXT_SIZE]){0})
char *object_text(const struct object *object, char text[OBJECT_TEXT_SIZE]);
const char *kind_name(enum model_kind kind);   /* "provider context" */
uint32_t kind_not_found(enum model_kind kind); /* FWP_E_PROVIDER_CONTEXT_NOT_FOUND */

void object_pin(struct object *object);
void object_unpin(struct object *object);
/* Counts the references from this object to others, and takes them back. */
void object_refer(const struct object *object);
void object_release(const struct object *object);

/*
 * An object about to be made. draft_start fills in what all kinds have in common and checks it:
 * access, name, lifetime, provider, key. Then the kind sets the rest and calls draft_add.
 */
struct draft {
    enum model_kind kind;
    enum model_lifetime lifetime;
    GUID key;
    const FWP_BYTE_BLOB *sd;
    struct object *provider, *sublayer, *context, *callout;
    struct callout_code *code;
    const void *body;
    size_t body_size;
    void (*pack)(struct pack *pack, void *body); /* turns pointers in a copied body into copies */
    uint64_t id;                                 /* of kinds that have one; the body says it too */
    uint64_t weight;                             /* of a filter: effective */
    uint32_t creator;
    uint16_t layer_id;
};

struct draft_common {
    const GUID *key;
    const FWPM_DISPLAY_DATA0 *display;
    const GUID *provider;
    const FWP_BYTE_BLOB *provider_data;
    bool persistent, boottime;
    const struct model_stored *restored; /* NULL: a client adds it */
};

uint32_t draft_start(struct model_session *session, struct draft *draft,
                     const struct draft_common *common, struct model_error *error);
/* The id the object had, or a fresh one. */
uint64_t draft_id(struct model *model, enum model_kind kind, uint64_t restored);
/* Finds what the draft names, checks ADD_LINK and lifetimes (rule 8.5). */
uint32_t draft_link(struct model_session *session, const struct draft *draft, enum model_kind kind,
                    const GUID *key, struct object **found, struct model_error *error);
uint32_t draft_add(struct model_session *session, const struct draft *draft, struct object **added,
                   struct model_error *error);

/* ---- the store: what there is and how it is found ---- */

struct object_list {
    struct object *first, *last;
    size_t count;
};

bool store_reserve(struct model *model, enum model_kind kind);
void store_link(struct model *model, struct object *object);
void store_unlink(struct model *model, struct object *object);
/* As the session sees it; NULL: what is committed. */
struct object *store_find(const struct model *model, enum model_kind kind, const GUID *key,
                          const struct model_session *session);
struct object *store_find_id(const struct model *model, enum model_kind kind, uint64_t id,
                             const struct model_session *session);
void store_free(struct model *model);

/* ---- callouts' code ---- */

/* One more user of the GUID's id; id 0 for whichever it has or gets. NULL: out of memory. */
struct callout_code *code_take(struct model *model, const GUID *key, uint32_t id);
struct callout_code *code_find(const struct model *model, const GUID *key);
void code_release(struct model *model, struct callout_code *code);

/* ---- sessions ---- */

enum txn_state { TXN_NONE, TXN_READ, TXN_WRITE, TXN_FORCED_OUT };

enum handle_type { HANDLE_ENUMERATION, HANDLE_SUBSCRIPTION };

struct handle {
    uint64_t number;
    enum handle_type type;
    enum model_kind kind;
    void *template_; /* subscription: NULL matches all */
    uint32_t flags;
    struct object **pinned;     /* enumeration of objects */
    struct model_object *items; /* of an enumeration */
    size_t count, at;
};

struct model_session {
    struct model *model;
    struct model_session *previous, *next;
    void *user;
    FWPM_SESSION0 *info; /* one allocation with all it points to */
    struct sid *sids;    /* [0] the user */
    size_t sid_count;
    uint32_t uid;
    bool privileged, kernel, dynamic;
    enum txn_state txn;
    uint64_t txn_started_ms;
    struct object *owned_first, *owned_last;
    struct handle **handles;
    size_t handle_count;
    size_t subscriptions;    /* how many of the handles are */
    uint64_t rights_version; /* these hold while it equals model->security_version */
    uint32_t container_rights[MODEL_KINDS], object_rights[MODEL_KINDS];
};

uint32_t session_add_handle(struct model_session *session, struct handle *handle,
                            struct model_error *error);
/* FWP_E_WRONG_SESSION for another session's, not_found for none. */
uint32_t session_find_handle(struct model_session *session, uint64_t number, enum handle_type type,
                             uint32_t not_found, struct handle **found, struct model_error *error);
void handle_free(struct handle *handle);
FWPM_SESSION0 *session_info_copy(const struct model_session *session);
void session_drop_handle(struct model_session *session, struct handle *handle);

/* ---- transactions ---- */

struct journal {
    struct object **objects; /* ADDED or DELETED; NULL: nothing is left of the change */
    size_t count, room;
    bool incomplete; /* there was no memory for some entries */
};

bool journal_reserve(struct journal *journal);
void journal_push(struct journal *journal, struct object *object);

/* Between these two the session is the writer; end commits what was an implicit transaction. */
uint32_t write_begin(struct model_session *session, struct model_error *error);
uint32_t write_end(struct model_session *session, uint32_t rc, struct model_error *error);
/* The end of an adding call: hands out key and id (either may be NULL), then write_end. */
uint32_t write_end_added(struct model_session *session, uint32_t rc, const struct object *added,
                         GUID *key, uint64_t *id, struct model_error *error);
/* At the start of reading calls: refuses when the session's transaction was forced out. */
uint32_t read_begin(struct model_session *session, struct model_error *error);
uint64_t model_now(const struct model *model);

/* The pending transaction deletes an object. */
void txn_delete(struct model *model, struct object *object);
/* Applies and commits what is pending, or rolls it back. */
uint32_t txn_commit_pending(struct model *model, struct model_error *error);
void txn_roll_back(struct model *model);
/* Ends what the session has in hand without committing. */
void txn_leave(struct model_session *session);
/* Removes the dynamic objects of a session that ends. */
void txn_drop_owned(struct model_session *session);

/* Tells subscribers other than `by` of the journal's objects; GONE ones were deleted. */
void notify_commit(struct model *model, const struct model_session *by,
                   const struct journal *journal);

/* ---- security ---- */

uint32_t access_container(struct model_session *session, enum model_kind kind, uint32_t rights,
                          struct model_error *error);
uint32_t access_object(struct model_session *session, const struct object *object, uint32_t rights,
                       struct model_error *error);
bool access_may_read(struct model_session *session, const struct object *object);
/* Rights on a layer of the table, by its place there. */
uint32_t access_layer(struct model_session *session, const struct layer_info *layer,
                      uint32_t rights, struct model_error *error);
uint32_t sd_blob_check(const FWP_BYTE_BLOB *blob, struct model_error *error);
FWP_BYTE_BLOB *sd_blob_copy(const FWP_BYTE_BLOB *blob);
extern const struct sd_generic model_generic;

/* ---- the model ---- */

struct model_view {
    struct model *model;
    const struct model_session *as; /* whose eyes; NULL: what is committed */
    const struct journal *delta;    /* all that changes; NULL: that is not known */
    uint64_t changed[MODEL_LAYER_IDS / 64];
};

struct model {
    struct model_hooks hooks;
    struct index by_key[MODEL_OBJECT_KINDS], by_id[MODEL_OBJECT_KINDS];
    struct object_list kinds[MODEL_OBJECT_KINDS]; /* all but filters … */
    struct object_list layers[MODEL_LAYER_IDS];   /* … which are here by run-time layer id */
    size_t committed[MODEL_OBJECT_KINDS];
    uint64_t seed;
    uint8_t random[MODEL_RANDOM]; /* for fresh keys; the last random_left bytes are unused */
    size_t random_left;
    uint64_t last_id[MODEL_OBJECT_KINDS];
    uint64_t last_handle;
    uint32_t last_code_id;
    struct index codes;
    struct model_session *sessions;
    struct model_session *writer; /* holds the write lock */
    size_t readers;               /* sessions in TXN_READ */
    struct journal journal;
    struct model_view view;
    enum { KEEP_NOTHING, KEEP_DUE, KEPT } keep; /* of the commit that is going on */
    FWPM_LAYER0 *layer_objects;                 /* of those with a key, by ascending id */
    size_t layer_count;
    FWP_BYTE_BLOB *container_sd[MODEL_KINDS]; /* NULL: inherits from the engine */
    FWP_BYTE_BLOB *layer_sd[MODEL_LAYER_IDS];
    uint64_t security_version;
    uint32_t options[FWPM_ENGINE_OPTION_MAX];
};

/* The kinds' own ways of being added; `restored` NULL for a client's. */
uint32_t provider_add(struct model_session *session, const FWPM_PROVIDER0 *provider,
                      const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                      struct object **added, struct model_error *error);
uint32_t sublayer_add(struct model_session *session, const FWPM_SUBLAYER0 *sublayer,
                      const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                      struct object **added, struct model_error *error);
uint32_t context_add(struct model_session *session, const FWPM_PROVIDER_CONTEXT0 *context,
                     const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                     struct object **added, struct model_error *error);
uint32_t callout_add(struct model_session *session, const FWPM_CALLOUT0 *callout,
                     const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                     struct object **added, struct model_error *error);
uint32_t filter_add(struct model_session *session, const FWPM_FILTER0 *filter,
                    const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                    struct object **added, struct model_error *error);

/* False: out of memory. */
bool model_add_builtins(struct model *model);
bool model_make_layers(struct model *model);
void model_free_layers(struct model *model);
const FWPM_LAYER0 *model_layer(const struct model *model, const struct layer_info *layer);

#endif
