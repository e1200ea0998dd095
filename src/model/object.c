/* What all kinds of objects have in common: names, copies, references, being added. */
#include "model_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "utf16.h"

#define RANDOM_AT_ONCE 256 /* what getrandom gives without being interrupted */

/* ---- what they are called ---- */

const char *kind_name(enum model_kind kind)
{
    static const char *const names[] = {
        [MODEL_PROVIDER] = "provider", [MODEL_PROVIDER_CONTEXT] = "provider context",
        [MODEL_SUBLAYER] = "sublayer", [MODEL_CALLOUT] = "callout",
        [MODEL_FILTER] = "filter",     [MODEL_LAYER] = "layer",
        [MODEL_SESSION] = "session",   [MODEL_NET_EVENT] = "net event",
        [MODEL_ENGINE] = "engine"};

    return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "object";
}

uint32_t kind_not_found(enum model_kind kind)
{
    static const uint32_t codes[] = {[MODEL_PROVIDER] = FWP_E_PROVIDER_NOT_FOUND,
                                     [MODEL_PROVIDER_CONTEXT] = FWP_E_PROVIDER_CONTEXT_NOT_FOUND,
                                     [MODEL_SUBLAYER] = FWP_E_SUBLAYER_NOT_FOUND,
                                     [MODEL_CALLOUT] = FWP_E_CALLOUT_NOT_FOUND,
                                     [MODEL_FILTER] = FWP_E_FILTER_NOT_FOUND,
                                     [MODEL_LAYER] = FWP_E_LAYER_NOT_FOUND};

    return (unsigned)kind < ARRAY_SIZE(codes) ? codes[kind] : FWP_E_NOT_FOUND;
}

/* Every FWPM_* structure starts with its key, and its display data follows. */
const GUID *object_key(const struct object *object)
{
    return OBJECT_BODY((struct object *)object, GUID);
}

const FWPM_DISPLAY_DATA0 *object_display(const struct object *object)
{
    _Static_assert(
        offsetof(FWPM_PROVIDER0, displayData) == offsetof(FWPM_FILTER0, displayData) &&
            offsetof(FWPM_SUBLAYER0, displayData) == offsetof(FWPM_FILTER0, displayData) &&
            offsetof(FWPM_CALLOUT0, displayData) == offsetof(FWPM_FILTER0, displayData) &&
            offsetof(FWPM_PROVIDER_CONTEXT0, displayData) == offsetof(FWPM_FILTER0, displayData),
        "all objects begin alike");
    return &OBJECT_BODY((struct object *)object, FWPM_FILTER0)->displayData;
}

char *object_text(const struct object *object, char text[OBJECT_TEXT_SIZE])
{
    char name[64], id[24] = "";

    utf16_print(object_display(object)->name, name, sizeof(name));
    if (object->id)
        snprintf(id, sizeof(id), " %llu", (unsigned long long)object->id);
    snprintf(text, OBJECT_TEXT_SIZE, "%s%s \"%s\"", kind_name(object->kind), id, name);
    return text;
}

struct model_object object_public(const struct object *object)
{
    return (struct model_object){.kind = object->kind, .any = object->body};
}

/* ---- who sees them, who holds them ---- */

bool object_visible(const struct object *object, const struct model_session *session)
{
    switch (object->state) {
    case OBJECT_COMMITTED:
        return true;
    case OBJECT_ADDED:
        return session && session == session->model->writer;
    case OBJECT_DELETED:
        return !session || session != session->model->writer;
    default:
        return false;
    }
}

static void object_free(struct object *object)
{
    if (!object)
        return;
    free(object->ties);
    free(object->sd);
    free(object);
}

void object_pin(struct object *object)
{
    object->pins++;
}

void object_unpin(struct object *object)
{
    if (--object->pins == 0)
        object_free(object);
}

/* ---- lifetimes of what refers to what (rule 8.5) ---- */

static const char *lifetime_name(enum model_lifetime lifetime)
{
    static const char *const names[] = {[MODEL_STATIC] = "static",
                                        [MODEL_DYNAMIC] = "dynamic",
                                        [MODEL_PERSISTENT] = "persistent",
                                        [MODEL_BOOTTIME] = "boot-time",
                                        [MODEL_BUILTIN] = "built-in"};

    return names[lifetime];
}

static bool outlives(const struct object *target, const struct model_session *session,
                     const struct draft *draft)
{
    if (target->lifetime == MODEL_BUILTIN)
        return true;
    switch (draft->lifetime) {
    case MODEL_DYNAMIC:
        return target->lifetime != MODEL_DYNAMIC || object_owner(target) == session;
    case MODEL_STATIC:
        return target->lifetime != MODEL_DYNAMIC;
    default:
        /* Its provider may be disabled at the next start, and then takes its objects along. */
        return target->lifetime == MODEL_PERSISTENT &&
               (!target->provider || target->provider == draft->provider);
    }
}

uint32_t draft_link(struct model_session *session, const struct draft *draft, enum model_kind kind,
                    const GUID *key, struct object **found, struct model_error *error)
{
    struct object *target = store_find(session->model, kind, key, session);

    if (!target)
        return fail(error, kind_not_found(kind),
                    "There is no %s %s for the %s to name; add it first.", kind_name(kind),
                    GUID_TEXT(key), kind_name(draft->kind));
    uint32_t rc = access_object(session, target, FWPM_ACTRL_ADD_LINK, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    if (!outlives(target, session, draft))
        return fail(error, FWP_E_LIFETIME_MISMATCH,
                    "A %s %s may not name the %s %s: that may end before it%s.",
                    lifetime_name(draft->lifetime), kind_name(draft->kind),
                    lifetime_name(target->lifetime), OBJECT_TEXT(target),
                    target->lifetime == MODEL_PERSISTENT ? " (it has another provider)"
                    : target->lifetime == MODEL_DYNAMIC  ? " (it goes with its session)"
                                                         : "");
    *found = target;
    return ERROR_SUCCESS;
}

/* ---- being added ---- */

static uint32_t choose_lifetime(const struct model_session *session, struct draft *draft,
                                const struct draft_common *common, struct model_error *error)
{
    if (common->restored) {
        draft->lifetime = common->restored->lifetime;
        draft->creator = common->restored->creator;
        return ERROR_SUCCESS;
    }
    draft->creator =
        session->privileged || session->kernel ? MODEL_BY_ADMINISTRATORS : session->uid;
    if (common->persistent && common->boottime)
        return fail(error, FWP_E_INVALID_FLAGS,
                    "A filter is either persistent or boot-time, not both; add two.");
    if (session->dynamic && (common->persistent || common->boottime))
        return fail(error, FWP_E_DYNAMIC_SESSION_IN_PROGRESS,
                    "A dynamic session can't add a %s %s: all it adds ends with it. Use a session "
                    "without FWPM_SESSION_FLAG_DYNAMIC.",
                    common->persistent ? "persistent" : "boot-time", kind_name(draft->kind));
    draft->lifetime = session->dynamic     ? MODEL_DYNAMIC
                      : common->persistent ? MODEL_PERSISTENT
                      : common->boottime   ? MODEL_BOOTTIME
                                           : MODEL_STATIC;
    return ERROR_SUCCESS;
}

static bool fresh_key(struct model *model, GUID *key)
{
    if (!model->random_left) {
        for (size_t at = 0; at < MODEL_RANDOM; at += RANDOM_AT_ONCE) {
            if (getrandom(model->random + at, RANDOM_AT_ONCE, 0) != RANDOM_AT_ONCE)
                return false;
        }
        model->random_left = MODEL_RANDOM;
    }
    *key = guid_of_random(model->random + MODEL_RANDOM - model->random_left);
    model->random_left -= sizeof(*key);
    return true;
}

static uint32_t choose_key(const struct model_session *session, struct draft *draft,
                           const GUID *key, struct model_error *error)
{
    if (guid_is_zero(key)) {
        if (!fresh_key(session->model, &draft->key))
            return fail(error, ERROR_NOT_ENOUGH_MEMORY,
                        "The system gave no random bytes for a key.");
        return ERROR_SUCCESS;
    }
    draft->key = *key;
    if (store_find(session->model, draft->kind, key, session))
        return fail(error, FWP_E_ALREADY_EXISTS, "There is a %s %s already.",
                    kind_name(draft->kind), GUID_TEXT(key));
    return ERROR_SUCCESS;
}

uint32_t draft_start(struct model_session *session, struct draft *draft,
                     const struct draft_common *common, struct model_error *error)
{
    uint32_t rc = access_container(session, draft->kind, FWPM_ACTRL_ADD, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (!common->display->name)
        return fail(error, FWP_E_NULL_DISPLAY_NAME, "A %s needs a displayData.name.",
                    kind_name(draft->kind));
    if (common->provider_data->size && !common->provider_data->data)
        return fail(error, FWP_E_NULL_POINTER, "The %s's providerData has a size but no data.",
                    kind_name(draft->kind));
    rc = choose_lifetime(session, draft, common, error);
    if (rc == ERROR_SUCCESS && draft->sd)
        rc = sd_blob_check(draft->sd, error);
    if (rc == ERROR_SUCCESS && common->provider)
        rc = draft_link(session, draft, MODEL_PROVIDER, common->provider, &draft->provider, error);
    if (rc == ERROR_SUCCESS)
        rc = choose_key(session, draft, common->key, error);
    return rc;
}

uint64_t draft_id(struct model *model, enum model_kind kind, uint64_t restored)
{
    if (!restored)
        return ++model->last_id[kind];
    model_reserve_ids(model, kind, restored);
    return restored;
}

void model_reserve_ids(struct model *model, enum model_kind kind, uint64_t highest_used)
{
    if (kind == MODEL_CALLOUT && highest_used > model->last_code_id)
        model->last_code_id = (uint32_t)highest_used;
    else if ((unsigned)kind < MODEL_OBJECT_KINDS && highest_used > model->last_id[kind])
        model->last_id[kind] = highest_used;
}

static struct object *allocate(const struct draft *draft)
{
    struct object *object = pack_copy(draft->body, draft->body_size, sizeof(*object), draft->pack);

    if (object)
        *OBJECT_BODY(object, GUID) = draft->key;
    return object;
}

static void refer(const struct object *object, int by)
{
    struct object *targets[] = {object->provider, object_context(object), object_callout(object),
                                object->kind == MODEL_FILTER ? object->sublayer : NULL};

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        if (targets[i])
            targets[i]->references += (uint32_t)by;
    }
}

void object_refer(const struct object *object)
{
    refer(object, 1);
}

void object_release(const struct object *object)
{
    refer(object, -1);
}

/* False: out of memory. */
static bool tie(struct model_session *session, struct object *object, const struct draft *draft)
{
    bool dynamic = draft->lifetime == MODEL_DYNAMIC;

    if (!dynamic && !draft->context && !draft->callout)
        return true;
    object->ties = calloc(1, sizeof(*object->ties));
    if (object->ties)
        *object->ties = (struct object_ties){.owner = dynamic ? session : NULL,
                                             .context = draft->context,
                                             .callout = draft->callout};
    return object->ties;
}

uint32_t draft_add(struct model_session *session, const struct draft *draft, struct object **added,
                   struct model_error *error)
{
    struct model *model = session->model;
    struct object *object = allocate(draft);

    if (!object || !store_reserve(model, draft->kind) || !journal_reserve(&model->journal))
        goto no_memory;
    if (!tie(session, object, draft) || (draft->sd && !(object->sd = sd_blob_copy(draft->sd))))
        goto no_memory;
    object->kind = (uint8_t)draft->kind;
    object->lifetime = (uint8_t)draft->lifetime;
    object->creator = draft->creator;
    object->provider = draft->provider;
    if (draft->kind == MODEL_CALLOUT)
        object->code = draft->code;
    else
        object->sublayer = draft->sublayer;
    object->id = draft->id;
    object->weight = draft->weight;
    object->layer_id = draft->layer_id;
    object->pins = 1;
    object->state = OBJECT_ADDED;
    store_link(model, object);
    object_refer(object);
    journal_push(&model->journal, object);
    *added = object;
    return ERROR_SUCCESS;

no_memory:
    object_free(object);
    return fail_memory(error);
}

uint32_t write_end_added(struct model_session *session, uint32_t rc, const struct object *added,
                         GUID *key, uint64_t *id, struct model_error *error)
{
    if (rc == ERROR_SUCCESS && key)
        *key = *object_key(added);
    if (rc == ERROR_SUCCESS && id)
        *id = added->id;
    return write_end(session, rc, error);
}
