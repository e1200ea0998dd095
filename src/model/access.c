/*
 * Access checks (rule 24.x). The engine's descriptor is the parent of one container per kind, that
 * is the parent of the kind's objects. Without a descriptor of its own everything inherits; with
 * one, its own entries come first, then what it inherits unless its DACL is protected.
 */
#include "model_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct sd_generic model_generic = {
    .read = FWPM_GENERIC_READ,
    .write = FWPM_GENERIC_WRITE,
    .execute = FWPM_GENERIC_EXECUTE,
    .all = FWPM_GENERIC_ALL,
};

uint32_t sd_blob_check(const FWP_BYTE_BLOB *blob, struct model_error *error)
{
    const char *why;
    struct sd sd;

    if (!sd_open(&sd, blob->data, blob->size, &why))
        return fail(error, ERROR_INVALID_SECURITY_DESCR, "Security descriptor refused: %s.", why);
    return ERROR_SUCCESS;
}

FWP_BYTE_BLOB *sd_blob_copy(const FWP_BYTE_BLOB *blob)
{
    FWP_BYTE_BLOB *copy = malloc(sizeof(*copy) + blob->size);

    if (!copy)
        return NULL;
    copy->size = blob->size;
    copy->data = (UINT8 *)(copy + 1);
    memcpy(copy->data, blob->data, blob->size);
    return copy;
}

/* ---- walking from an object to the engine ---- */

struct walk {
    struct sd_token token;
    uint32_t granted, denied;
    bool inherited; /* not at the object itself any more */
    bool ended;     /* by a protected or a missing DACL */
};

static struct walk walk_start(const struct model_session *session)
{
    return (struct walk){.token = {session->sids, session->sid_count}};
}

static void walk_step(struct walk *walk, const FWP_BYTE_BLOB *blob)
{
    struct sd sd;
    struct sid owner;

    if (walk->ended)
        return;
    if (blob && sd_open(&sd, blob->data, blob->size, NULL)) {
        if (!walk->inherited && sd_owner(&sd, &owner) && sd_token_has(&walk->token, &owner))
            walk->granted |= SD_RIGHT_READ_CONTROL | SD_RIGHT_WRITE_DAC;
        if (sd.control & SD_DACL_PRESENT && !sd.dacl && !walk->inherited) {
            walk->granted |= ~walk->denied; /* a NULL DACL protects nothing */
            walk->ended = true;
        }
        sd_walk(&sd, &walk->token, &model_generic, walk->inherited, &walk->granted, &walk->denied);
        if (sd.control & SD_DACL_PROTECTED)
            walk->ended = true;
    }
    walk->inherited = true;
}

static uint32_t walk_rights(struct walk *walk, const struct model_session *session)
{
    /* Administrators can always get back in: they may read and take over what they are denied. */
    if (session->privileged)
        walk->granted |= SD_RIGHT_READ_CONTROL | SD_RIGHT_WRITE_OWNER | FWPM_ACTRL_OPEN;
    return session->kernel ? UINT32_MAX : walk->granted;
}

/* From the container on; `below`: the descriptor of what lies in it, or NULL. */
static uint32_t rights_below(const struct model_session *session, enum model_kind kind,
                             const FWP_BYTE_BLOB *below, bool object)
{
    const struct model *model = session->model;
    struct walk walk = walk_start(session);

    if (object)
        walk_step(&walk, below);
    if (kind != MODEL_ENGINE)
        walk_step(&walk, model->container_sd[kind]);
    walk_step(&walk, model->container_sd[MODEL_ENGINE]);
    return walk_rights(&walk, session);
}

/* What hangs on containers only is worked out once per session and change of a container. */
static void refresh(struct model_session *session)
{
    if (session->rights_version == session->model->security_version)
        return;
    for (unsigned kind = 0; kind < MODEL_KINDS; kind++) {
        session->container_rights[kind] = rights_below(session, kind, NULL, false);
        session->object_rights[kind] = rights_below(session, kind, NULL, true);
    }
    session->rights_version = session->model->security_version;
}

static bool created(const struct model_session *session, const struct object *object)
{
    if (object->creator == MODEL_BY_ADMINISTRATORS)
        return session->privileged;
    return object->creator == session->uid;
}

static uint32_t rights_on(struct model_session *session, const struct object *object)
{
    uint32_t rights;

    refresh(session);
    rights = object->sd ? rights_below(session, object->kind, object->sd, true)
                        : session->object_rights[object->kind];
    if (!object->sd && created(session, object))
        rights |= SD_RIGHT_READ_CONTROL | SD_RIGHT_WRITE_DAC;
    return rights;
}

/* ---- asking ---- */

static const char *right_name(uint32_t rights)
{
    static const struct {
        uint32_t right;
        const char *name;
    } names[] = {
        {FWPM_ACTRL_ADD, "FWPM_ACTRL_ADD"},
        {FWPM_ACTRL_ADD_LINK, "FWPM_ACTRL_ADD_LINK"},
        {FWPM_ACTRL_BEGIN_READ_TXN, "FWPM_ACTRL_BEGIN_READ_TXN"},
        {FWPM_ACTRL_BEGIN_WRITE_TXN, "FWPM_ACTRL_BEGIN_WRITE_TXN"},
        {FWPM_ACTRL_CLASSIFY, "FWPM_ACTRL_CLASSIFY"},
        {FWPM_ACTRL_ENUM, "FWPM_ACTRL_ENUM"},
        {FWPM_ACTRL_OPEN, "FWPM_ACTRL_OPEN"},
        {FWPM_ACTRL_READ, "FWPM_ACTRL_READ"},
        {FWPM_ACTRL_READ_STATS, "FWPM_ACTRL_READ_STATS"},
        {FWPM_ACTRL_SUBSCRIBE, "FWPM_ACTRL_SUBSCRIBE"},
        {FWPM_ACTRL_WRITE, "FWPM_ACTRL_WRITE"},
        {SD_RIGHT_DELETE, "DELETE"},
        {SD_RIGHT_READ_CONTROL, "READ_CONTROL"},
        {SD_RIGHT_WRITE_DAC, "WRITE_DAC"},
        {SD_RIGHT_WRITE_OWNER, "WRITE_OWNER"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (rights & names[i].right)
            return names[i].name;
    }
    return "ACCESS_SYSTEM_SECURITY";
}

static uint32_t denied(const struct model_session *session, uint32_t missing, const char *on,
                       struct model_error *error)
{
    return fail(error, ERROR_ACCESS_DENIED,
                "User %u lacks %s on the %s; ask root or an administrator for it.", session->uid,
                right_name(missing), on);
}

uint32_t access_container(struct model_session *session, enum model_kind kind, uint32_t rights,
                          struct model_error *error)
{
    char what[48];

    refresh(session);
    uint32_t missing = rights & ~session->container_rights[kind];
    if (!missing)
        return ERROR_SUCCESS;
    snprintf(what, sizeof(what), kind == MODEL_ENGINE ? "%s" : "container of %ss", kind_name(kind));
    return denied(session, missing, what, error);
}

uint32_t access_object(struct model_session *session, const struct object *object, uint32_t rights,
                       struct model_error *error)
{
    uint32_t missing = rights & ~rights_on(session, object);

    return missing ? denied(session, missing, OBJECT_TEXT(object), error) : ERROR_SUCCESS;
}

bool access_may_read(struct model_session *session, const struct object *object)
{
    return rights_on(session, object) & FWPM_ACTRL_READ;
}

uint32_t access_layer(struct model_session *session, const struct layer_info *layer,
                      uint32_t rights, struct model_error *error)
{
    const FWP_BYTE_BLOB *own = session->model->layer_sd[layer->id];
    char what[96];

    refresh(session);
    uint32_t granted =
        own ? rights_below(session, MODEL_LAYER, own, true) : session->object_rights[MODEL_LAYER];
    if (!(rights & ~granted))
        return ERROR_SUCCESS;
    snprintf(what, sizeof(what), "layer %s", layer->name);
    return denied(session, rights & ~granted, what, error);
}

uint32_t model_access_check(struct model_session *session, enum model_kind container,
                            uint32_t rights, struct model_error *error)
{
    return access_container(session, container, rights, error);
}
