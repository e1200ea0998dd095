/*
 * The filtering platform's objects and rules: providers, provider contexts, sublayers, callouts,
 * filters, the sessions that own them and the transactions that change them.
 *
 * One `struct model` is one base filtering engine. It is single threaded, does no I/O and never
 * waits: what it needs from outside comes through `struct model_hooks`. Objects go in as the
 * public FWPM_* structures, are checked and copied, and come out as pointers into that copy.
 *
 * Every call that can fail returns ERROR_SUCCESS, FWP_E_* or ERROR_*, and says in the model_error
 * which object is meant and what to do (the model_error may be NULL). A failing call changes
 * nothing; a failing call inside a transaction leaves the transaction as it was (rule 9.6).
 *
 * Transactions (rule 9.x). A call outside an explicit transaction is a transaction of its own.
 * There is one writer or any number of explicit readers; who can't get the lock gets
 * MODEL_WOULD_BLOCK, parks the call and repeats it after hooks.unlocked, or answers FWP_E_TIMEOUT
 * when model_session_wait_ms has passed. Plain reads take no lock: they see what is committed, and
 * in addition the writer sees its own uncommitted changes.
 *
 * Hooks are called in the middle of calls: they may read (a view, model_stored_get) but change
 * nothing.
 *
 * Orders (choices; src/classify keeps them too). Sublayers run from the heaviest, equal weights by
 * ascending GUID bytes (memcmp); filters in a sublayer from the heaviest, equal weights by
 * ascending filter id.
 */
#ifndef OPENWFP_MODEL_H
#define OPENWFP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fwpmu.h>

/* The lock is taken. Never shown to a client: park the call, or answer FWP_E_TIMEOUT. */
#define MODEL_WOULD_BLOCK 0xffffffffu

#define MODEL_TXN_WAIT_DEFAULT_MS 15000u   /* txnWaitTimeoutInMSec = 0 (rule 9.4) */
#define MODEL_TXN_HOLD_LIMIT_MS   3600000u /* for user mode sessions (rule 9.5) */
#define MODEL_MAX_CALLOUTS        100000u  /* rule 25 */
#define MODEL_MAX_SUBLAYERS       65536u   /* rule 5.3 */
#define MODEL_MAX_HANDLES         1024u    /* enumerations + subscriptions of one session */

/* What users who are no administrators may have open, in all their sessions: one, and all. */
#define MODEL_USER_HANDLES 64u
#define MODEL_USER_ITEMS   (1u << 20) /* objects in enumerations; one enumeration may have more */
#define MODEL_ALL_HANDLES  1024u
#define MODEL_ALL_ITEMS    (4u << 20)

struct model;
struct model_session;
struct model_view;

struct model_error {
    uint32_t code;
    char text[256];
};

/* The five kinds of objects, what is named before what names it, and the further containers that
 * have a security descriptor. */
enum model_kind {
    MODEL_PROVIDER,
    MODEL_SUBLAYER,
    MODEL_PROVIDER_CONTEXT,
    MODEL_CALLOUT,
    MODEL_FILTER,
    MODEL_LAYER,     /* read only: from the table of layers */
    MODEL_SESSION,   /* read only: who is connected */
    MODEL_NET_EVENT, /* container only: the service keeps the events */
    MODEL_ENGINE,    /* the engine itself: parent of all containers */
    MODEL_KINDS
};

enum model_lifetime {
    MODEL_STATIC,  /* until deleted or the service stops */
    MODEL_DYNAMIC, /* until its session ends */
    MODEL_PERSISTENT,
    MODEL_BOOTTIME, /* filters only */
    MODEL_BUILTIN
};

/* An object as it is handed out; valid until the next call that changes the model. */
struct model_object {
    enum model_kind kind;
    union {
        const void *any;
        const FWPM_PROVIDER0 *provider;
        const FWPM_PROVIDER_CONTEXT0 *provider_context;
        const FWPM_SUBLAYER0 *sublayer;
        const FWPM_CALLOUT0 *callout;
        const FWPM_FILTER0 *filter;
        const FWPM_LAYER0 *layer;
        const FWPM_SESSION0 *session;
    };
};

/* An object was added or deleted by a commit (rule 12.x). `id` is 0 where the kind has none. */
struct model_change {
    enum model_kind kind;
    FWPM_CHANGE_TYPE type;
    GUID key;
    uint64_t id;
};

/* Who calls, as the service learnt it from the socket's peer credentials. */
struct model_caller {
    uint32_t uid, gid;
    const uint32_t *groups; /* supplementary; copied */
    size_t group_count;
    uint32_t pid;
    const char *username; /* may be NULL; copied */
    bool privileged;      /* a member of Administrators: root, or in their group */
    bool kernel;          /* the service itself and the callout runtime: no check, no hold limit */
};

struct model_hooks {
    void *ctx;
    /*
     * The policy that is about to be committed, before anyone sees it; called at each commit that
     * changed what a classify can see. Not ERROR_SUCCESS: the commit fails with that code and its
     * transaction is rolled back. When dynamic objects fall with their session the removal
     * stands whatever is answered: the engine repeats with model_reapply.
     */
    uint32_t (*apply)(void *ctx, const struct model_view *after, struct model_error *error);
    /*
     * What a commit changes is to be kept beyond the machine's power; called once for each commit
     * of changed objects, by model_view_keep. Not ERROR_SUCCESS: the commit fails with that code.
     */
    uint32_t (*keep)(void *ctx, const struct model_view *after, struct model_error *error);
    /* The end of a commit whose `keep` succeeded: it is in force, or was refused after all. */
    void (*kept)(void *ctx, bool in_force);
    /* After a commit, for each subscription that matches some of its changes (rule 12.1); more
     * than once when they are many. */
    void (*changed)(void *ctx, struct model_session *subscriber, uint64_t subscription,
                    const struct model_change *changes, size_t count);
    /* The lock became free: repeat what was parked. Do so from the event loop, not from here. */
    void (*unlocked)(void *ctx);
    /* Whether the service that a persistent provider names starts by itself (rule 8.4): asked when
     * the provider is restored; NULL: they all do. */
    bool (*service_starts)(void *ctx, const FWPM_PROVIDER0 *provider);
    /* A monotonic clock; NULL: time stands still, nothing expires. */
    uint64_t (*now_ms)(void *ctx);
};

/* ---- life of the model ---- */

struct model *model_new(const struct model_hooks *hooks); /* NULL: out of memory */
/* Closes every session without calling hooks, frees everything. */
void model_free(struct model *model);

/*
 * Aborts transactions held too long (rule 9.5). Returns in how many milliseconds to call again,
 * UINT64_MAX when nothing is held. Calls that meet an expired lock do this by themselves.
 */
uint64_t model_tick(struct model *model);

/* Calls hooks.apply with the committed policy, for a service that lost or changed its engine. */
uint32_t model_reapply(struct model *model, struct model_error *error);

/* How many objects of one of the five kinds are committed. */
size_t model_count(const struct model *model, enum model_kind kind);

/* ---- sessions ---- */

/*
 * Needs FWPM_ACTRL_OPEN on the engine. `user` is the service's own, see model_session_user.
 * session may be NULL (all defaults); its flags may be FWPM_SESSION_FLAG_DYNAMIC only.
 */
uint32_t model_session_open(struct model *model, const FWPM_SESSION0 *session,
                            const struct model_caller *caller, void *user,
                            struct model_session **opened, struct model_error *error);
/* Aborts its transaction, ends its subscriptions and enumerations, removes its dynamic objects. */
void model_session_close(struct model_session *session);

void *model_session_user(const struct model_session *session);
const FWPM_SESSION0 *model_session_info(const struct model_session *session);
/* How long a parked call of this session may wait; UINT32_MAX = for ever (rule 9.4). */
uint32_t model_session_wait_ms(const struct model_session *session);
/* Fills in FWP_E_TIMEOUT with a text that names who holds the lock. */
uint32_t model_session_timed_out(const struct model_session *session, struct model_error *error);

/* ---- transactions ---- */

uint32_t model_txn_begin(struct model_session *session, uint32_t flags, struct model_error *error);
uint32_t model_txn_commit(struct model_session *session, struct model_error *error);
uint32_t model_txn_abort(struct model_session *session, struct model_error *error);
bool model_txn_in_progress(const struct model_session *session);

/* ---- engine options (FWPM_ENGINE_OPTION, rule 14.2) ---- */

uint32_t model_engine_get_option(struct model_session *session, FWPM_ENGINE_OPTION option,
                                 FWP_VALUE0 *value, struct model_error *error);
uint32_t model_engine_set_option(struct model_session *session, FWPM_ENGINE_OPTION option,
                                 const FWP_VALUE0 *value, struct model_error *error);
/* The same for the service, unchecked. */
uint32_t model_engine_option(const struct model *model, FWPM_ENGINE_OPTION option);

/* ---- objects ----
 *
 * Add: `sd` is a self-relative security descriptor or NULL; a zero key is replaced by a fresh one,
 * which comes back in `key`; `key` and `id` may be NULL.
 */

uint32_t model_provider_add(struct model_session *session, const FWPM_PROVIDER0 *provider,
                            const FWP_BYTE_BLOB *sd, GUID *key, struct model_error *error);
/* FWPM_GENERAL_CONTEXT and FWPM_CLASSIFY_OPTIONS_CONTEXT; the IPsec types: ERROR_NOT_SUPPORTED. */
uint32_t model_provider_context_add(struct model_session *session,
                                    const FWPM_PROVIDER_CONTEXT0 *context, const FWP_BYTE_BLOB *sd,
                                    GUID *key, uint64_t *id, struct model_error *error);
uint32_t model_sublayer_add(struct model_session *session, const FWPM_SUBLAYER0 *sublayer,
                            const FWP_BYTE_BLOB *sd, GUID *key, struct model_error *error);
uint32_t model_callout_add(struct model_session *session, const FWPM_CALLOUT0 *callout,
                           const FWP_BYTE_BLOB *sd, GUID *key, uint32_t *id,
                           struct model_error *error);
uint32_t model_filter_add(struct model_session *session, const FWPM_FILTER0 *filter,
                          const FWP_BYTE_BLOB *sd, GUID *key, uint64_t *id,
                          struct model_error *error);

/* Kinds with ids: provider context, callout, filter; and layers (run-time id) for get. */
uint32_t model_delete_by_key(struct model_session *session, enum model_kind kind, const GUID *key,
                             struct model_error *error);
uint32_t model_delete_by_id(struct model_session *session, enum model_kind kind, uint64_t id,
                            struct model_error *error);
uint32_t model_get_by_key(struct model_session *session, enum model_kind kind, const GUID *key,
                          struct model_object *object, struct model_error *error);
uint32_t model_get_by_id(struct model_session *session, enum model_kind kind, uint64_t id,
                         struct model_object *object, struct model_error *error);

/* ---- enumeration (rule 11.x) ----
 *
 * `template_` is the kind's FWPM_*_ENUM_TEMPLATE0 or NULL for all. The enumeration is a snapshot,
 * already reduced to what the caller may read; what it hands out stays valid until it is destroyed.
 * Order: filters by layer, sublayer and weight with FWP_FILTER_ENUM_FLAG_SORTED; otherwise the
 * order in which objects were added.
 */
uint32_t model_enum_create(struct model_session *session, enum model_kind kind,
                           const void *template_, uint64_t *handle, struct model_error *error);
uint32_t model_enum_next(struct model_session *session, uint64_t handle, struct model_object *into,
                         size_t wanted, size_t *given, struct model_error *error);
uint32_t model_enum_destroy(struct model_session *session, uint64_t handle,
                            struct model_error *error);

/* ---- change subscriptions (rule 12.x); flags: FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_* ----
 *
 * A session gets no changes made through itself, and only those of objects it may read; one of a
 * caller.kernel gets them all.
 */

uint32_t model_subscribe(struct model_session *session, enum model_kind kind, const void *template_,
                         uint32_t flags, uint64_t *subscription, struct model_error *error);
uint32_t model_unsubscribe(struct model_session *session, uint64_t subscription,
                           struct model_error *error);

/* ---- security (rule 24.x) ----
 *
 * key NULL: the container of that kind (MODEL_ENGINE: the engine). Get returns a self-relative
 * descriptor in malloc'ed memory holding the parts that `information` (OWNER_, GROUP_, DACL_,
 * SACL_SECURITY_INFORMATION) asks for; set takes those parts from `sd`.
 */
uint32_t model_security_get(struct model_session *session, enum model_kind kind, const GUID *key,
                            uint32_t information, FWP_BYTE_BLOB *sd, struct model_error *error);
uint32_t model_security_set(struct model_session *session, enum model_kind kind, const GUID *key,
                            uint32_t information, const FWP_BYTE_BLOB *sd,
                            struct model_error *error);
/* For what the service itself guards (net events): FWPM_ACTRL_* on a container. */
uint32_t model_access_check(struct model_session *session, enum model_kind container,
                            uint32_t rights, struct model_error *error);

/* ---- callout code (rule 7.1, 7.2) ---- */

#define MODEL_CALLOUT_UNREGISTERED UINT32_MAX
#define MODEL_CALLOUT_USER         (UINT32_MAX - 1) /* code in user space, which is asked */

/*
 * Code for the callout `key` is now in the engine's slot, or gone (MODEL_CALLOUT_UNREGISTERED).
 * The policy object may be added before or after; both have the same id. Applies like a commit;
 * FWP_E_ALREADY_EXISTS when it is registered already, FWP_E_CALLOUT_NOT_FOUND when it is not.
 */
uint32_t model_callout_register(struct model *model, const GUID *key, uint32_t slot, uint32_t *id,
                                struct model_error *error);
/* Registering with the id of an earlier run, before the objects of that run are restored. */
uint32_t model_callout_restore(struct model *model, const GUID *key, uint32_t slot, uint32_t id,
                               struct model_error *error);

/* ---- what the compiler reads ---- */

struct model_view_filter {
    const FWPM_FILTER0 *filter; /* conditions are legal for the layer, see condition.h */
    uint64_t weight;            /* effective */
    GUID sublayer;
    uint16_t sublayer_weight;
    uint32_t callout_id;   /* 0: not a callout filter */
    uint32_t callout_slot; /* MODEL_CALLOUT_UNREGISTERED when no code is there */
    uint64_t context;      /* rawContext, or the provider context's id (rule 7.6) */
};

/* Filters in force at a layer: not disabled ones, not boot-time ones (rule 8.3). */
size_t model_view_count(const struct model_view *view, uint16_t layer_id);
/* Calls visit for each; stops at and returns the first non-zero answer. Order: none. */
int model_view_filters(const struct model_view *view, uint16_t layer_id,
                       int (*visit)(void *ctx, const struct model_view_filter *), void *ctx);
/* Boot-time filters of the layer, for whoever installs them for the next boot. */
int model_view_boottime(const struct model_view *view, uint16_t layer_id,
                        int (*visit)(void *ctx, const struct model_view_filter *), void *ctx);
/*
 * Whether this commit changes the policy only by the filters that model_view_changes tells. Not so
 * when a callout's code came or went, at model_reapply, and outside a commit.
 */
bool model_view_has_delta(const struct model_view *view);
/*
 * The filters that the commit puts in force (`added`) or out of it; those that it adds and deletes
 * again are neither. Of one put out of force callout_id and callout_slot say nothing. Order: none.
 * Stops at and returns the first non-zero answer.
 */
int model_view_changes(const struct model_view *view,
                       int (*visit)(void *ctx, const struct model_view_filter *, bool added),
                       void *ctx);
/* Whose commit it is. */
enum model_committer {
    MODEL_BY_THE_SERVICE,      /* itself, or nobody: a session ended, code came or went */
    MODEL_BY_AN_ADMINISTRATOR, /* of objects that stay when the session ends */
    MODEL_BY_A_PROGRAM,        /* anybody else */
};
enum model_committer model_view_committer(const struct model_view *view);
/* Whether what model_view_boottime tells, or the code that it calls, may be another now. */
bool model_view_boottime_changed(const struct model_view *view);
/* Which layers this commit touched; all of them for model_reapply. */
bool model_view_layer_changed(const struct model_view *view, uint16_t layer_id);
/* The sublayer's object, for names in traces; NULL when there is none with that key. */
const FWPM_SUBLAYER0 *model_view_sublayer(const struct model_view *view, const GUID *key);

/* The committed policy outside a commit; valid until the next call that changes the model. */
const struct model_view *model_view_now(struct model *model);

/* ---- what a store reads and brings back ---- */

#define MODEL_BY_ADMINISTRATORS UINT32_MAX

struct model_stored {
    struct model_object object;
    enum model_lifetime lifetime;
    uint32_t creator;        /* uid, or MODEL_BY_ADMINISTRATORS; owns it when sd names no owner */
    const FWP_BYTE_BLOB *sd; /* NULL: inherits all */
};

/*
 * For hooks.apply, just before what it does can't be taken back: calls hooks.keep if this is a
 * commit of objects and it was not called yet. A commit that is not applied is kept all the same.
 */
uint32_t model_view_keep(const struct model_view *view, struct model_error *error);
/*
 * The objects of all kinds that the commit adds or deletes, in the order of the calls; those that
 * it adds and deletes again are left out. Stops at and returns the first non-zero answer.
 */
int model_view_objects(const struct model_view *view,
                       int (*visit)(void *ctx, const struct model_stored *, bool added), void *ctx);
/* Every committed object of a lifetime, in dependency order (providers first, filters last). */
int model_each(struct model *model, enum model_lifetime lifetime,
               int (*visit)(void *ctx, const struct model_stored *), void *ctx);
/* One committed object of one of the five kinds; FWP_E_*_NOT_FOUND. */
uint32_t model_stored_get(struct model *model, enum model_kind kind, const GUID *key,
                          struct model_stored *stored, struct model_error *error);
/*
 * Like the add functions, but keeps key, id, lifetime, creator and descriptor. For sessions of a
 * caller.kernel; not for dynamic or built-in objects. Fresh ids will be greater than the restored.
 */
uint32_t model_restore(struct model_session *session, const struct model_stored *stored,
                       struct model_error *error);
/* Fresh ids of the kind will be greater than this. */
void model_reserve_ids(struct model *model, enum model_kind kind, uint64_t highest_used);

#endif
