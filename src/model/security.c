/* Reading and changing security descriptors (rules 24.3, 24.5). */
#include "model_private.h"

#include <stdlib.h>
#include <string.h>

#define INFO_OWNER     1u /* OWNER_SECURITY_INFORMATION … */
#define INFO_GROUP     2u
#define INFO_DACL      4u
#define INFO_SACL      8u
#define INFO_PROTECTED 0x80000000u /* PROTECTED_DACL_SECURITY_INFORMATION */
#define INFO_KNOWN     (INFO_OWNER | INFO_GROUP | INFO_DACL | INFO_SACL | INFO_PROTECTED)

/* What has a descriptor: an object, a layer, or a container. */
struct target {
    enum model_kind kind;
    struct object *object;          /* NULL: a layer or container */
    const struct layer_info *layer; /* or NULL */
    FWP_BYTE_BLOB **own;            /* where its own descriptor is kept */
};

static uint32_t find_layer_target(struct model *model, const GUID *key, struct target *target,
                                  struct model_error *error)
{
    target->layer = layer_by_key(key);
    if (!target->layer)
        return fail(error, FWP_E_LAYER_NOT_FOUND, "There is no layer %s.", GUID_TEXT(key));
    target->own = &model->layer_sd[target->layer->id];
    return ERROR_SUCCESS;
}

static uint32_t find_target(struct model_session *session, enum model_kind kind, const GUID *key,
                            struct target *target, struct model_error *error)
{
    struct model *model = session->model;

    if ((unsigned)kind >= MODEL_KINDS)
        return fail(error, FWP_E_INVALID_PARAMETER, "%u is no kind of object.", (unsigned)kind);
    *target = (struct target){.kind = kind, .own = &model->container_sd[kind]};
    if (!key)
        return ERROR_SUCCESS;
    if (kind == MODEL_LAYER)
        return find_layer_target(model, key, target, error);
    if ((unsigned)kind < MODEL_OBJECT_KINDS)
        target->object = store_find(model, kind, key, session);
    if (!target->object)
        return fail(error, kind_not_found(kind), "There is no %s %s.", kind_name(kind),
                    GUID_TEXT(key));
    target->own = &target->object->sd;
    return ERROR_SUCCESS;
}

static uint32_t check_access(struct model_session *session, const struct target *target,
                             uint32_t rights, struct model_error *error)
{
    if (target->object)
        return access_object(session, target->object, rights, error);
    if (target->layer)
        return access_layer(session, target->layer, rights, error);
    return access_container(session, target->kind, rights, error);
}

/* A SACL is the administrators' business; Windows asks for a privilege. */
static uint32_t check_sacl(const struct model_session *session, uint32_t information,
                           struct model_error *error)
{
    if (!(information & INFO_SACL) || session->privileged || session->kernel)
        return ERROR_SUCCESS;
    return fail(error, ERROR_ACCESS_DENIED,
                "Only root and members of the administrators' group may read or set a SACL.");
}

/* ---- composing what is in force ---- */

struct composed {
    struct sid owner, group;
    uint16_t control;
    struct sd_ace *dacl, *sacl;
    size_t dacl_count, sacl_count;
    bool complete; /* a protected DACL was met: parents add nothing */
};

static bool open_blob(struct sd *sd, const FWP_BYTE_BLOB *blob)
{
    return blob && sd_open(sd, blob->data, blob->size, NULL);
}

static bool collect(const struct sd *sd, uint32_t acl, bool inherited, struct sd_ace **aces,
                    size_t *count)
{
    struct sd_ace ace;

    for (unsigned i = 0; sd_ace(sd, acl, i, &ace); i++) {
        if (inherited && !(ace.flags & (SD_ACE_OBJECT_INHERIT | SD_ACE_CONTAINER_INHERIT)))
            continue;
        struct sd_ace *grown = realloc(*aces, (*count + 1) * sizeof(**aces));
        if (!grown)
            return false;
        if (inherited)
            ace.flags |= SD_ACE_INHERITED;
        *aces = grown;
        grown[(*count)++] = ace;
    }
    return true;
}

static bool collect_dacl(struct composed *to, const FWP_BYTE_BLOB *blob, bool inherited)
{
    struct sd sd;

    if (to->complete || !open_blob(&sd, blob))
        return true;
    to->control |= sd.control & SD_DACL_PROTECTED & (inherited ? 0 : UINT16_MAX);
    to->complete = sd.control & SD_DACL_PROTECTED;
    return collect(&sd, sd.dacl, inherited, &to->dacl, &to->dacl_count);
}

static bool compose(const struct model *model, const struct target *target, struct composed *to)
{
    bool by_user = target->object && target->object->creator != MODEL_BY_ADMINISTRATORS;
    bool inside = target->object || target->layer;
    struct sd own;

    *to = (struct composed){.control = SD_DACL_PRESENT};
    to->owner = by_user ? sid_of_uid(target->object->creator) : sid_administrators();
    if (open_blob(&own, *target->own)) {
        sd_owner(&own, &to->owner);
        sd_group(&own, &to->group);
        to->control |= own.control & (SD_SACL_PRESENT | SD_SACL_PROTECTED);
        if (!collect(&own, own.sacl, false, &to->sacl, &to->sacl_count))
            return false;
    }
    if (!collect_dacl(to, *target->own, false))
        return false;
    if (inside && !collect_dacl(to, model->container_sd[target->kind], true))
        return false;
    return target->kind == MODEL_ENGINE ||
           collect_dacl(to, model->container_sd[MODEL_ENGINE], true);
}

static bool make(const struct composed *from, uint32_t information, FWP_BYTE_BLOB *sd)
{
    struct sd_parts parts = {
        .owner = information & INFO_OWNER ? &from->owner : NULL,
        .group = information & INFO_GROUP && from->group.size ? &from->group : NULL,
        .dacl = from->dacl,
        .dacl_count = from->dacl_count,
        .sacl = from->sacl,
        .sacl_count = from->sacl_count,
    };

    if (information & INFO_DACL)
        parts.control |= from->control & (SD_DACL_PRESENT | SD_DACL_PROTECTED);
    if (information & INFO_SACL)
        parts.control |= from->control & (SD_SACL_PRESENT | SD_SACL_PROTECTED);
    return sd_make(&parts, sd);
}

static void composed_free(struct composed *composed)
{
    free(composed->dacl);
    free(composed->sacl);
}

uint32_t model_security_get(struct model_session *session, enum model_kind kind, const GUID *key,
                            uint32_t information, FWP_BYTE_BLOB *sd, struct model_error *error)
{
    struct composed composed = {0};
    struct target target = {0};
    uint32_t rc = read_begin(session, error);

    if (rc == ERROR_SUCCESS)
        rc = find_target(session, kind, key, &target, error);
    if (rc == ERROR_SUCCESS)
        rc = check_access(session, &target, SD_RIGHT_READ_CONTROL, error);
    if (rc == ERROR_SUCCESS)
        rc = check_sacl(session, information, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    if (!compose(session->model, &target, &composed) || !make(&composed, information, sd))
        rc = fail_memory(error);
    composed_free(&composed);
    return rc;
}

/* ---- changing ---- */

static uint32_t check_set(const struct model_session *session, const struct target *target,
                          uint32_t information, struct model_error *error)
{
    if (session->txn != TXN_NONE)
        return fail(error, FWP_E_TXN_IN_PROGRESS,
                    "Security can't be changed inside of a transaction; end it first.");
    if (session->dynamic && !(target->object && object_owner(target->object) == session))
        return fail(error, FWP_E_DYNAMIC_SESSION_IN_PROGRESS,
                    "A dynamic session may change the security of its own objects only.");
    if (target->object && target->object->lifetime == MODEL_BUILTIN)
        return fail(error, FWP_E_BUILTIN_OBJECT, "The security of the built-in %s is fixed.",
                    OBJECT_TEXT(target->object));
    if (!information || information & ~INFO_KNOWN)
        return fail(
            error, FWP_E_INVALID_FLAGS,
            "Which parts to set is OWNER_, GROUP_, DACL_ and SACL_SECURITY_INFORMATION, not "
            "%#x.",
            information);
    return ERROR_SUCCESS;
}

static uint32_t needed_rights(uint32_t information)
{
    return (information & (INFO_OWNER | INFO_GROUP) ? SD_RIGHT_WRITE_OWNER : 0) |
           (information & INFO_DACL ? SD_RIGHT_WRITE_DAC : 0);
}

/* Who gives an object away could frame somebody: users may only become owners themselves. */
static uint32_t check_owner(const struct model_session *session, const struct sd *given,
                            struct model_error *error)
{
    struct sd_token token = {session->sids, session->sid_count};
    struct sid owner, everyone = sid_everyone();

    if (!sd_owner(given, &owner))
        return fail(error, FWP_E_INVALID_PARAMETER, "The descriptor names no owner to set.");
    if (session->privileged || session->kernel)
        return ERROR_SUCCESS;
    if (sid_equal(&owner, &everyone) || !sd_token_has(&token, &owner))
        return fail(error, ERROR_ACCESS_DENIED,
                    "User %u can make only itself or a group of its own an owner.", session->uid);
    return ERROR_SUCCESS;
}

static bool drop_inherited(struct sd_ace *aces, size_t *count)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        if (!(aces[i].flags & SD_ACE_INHERITED))
            aces[kept++] = aces[i];
    }
    *count = kept;
    return true;
}

/* The target's own descriptor with the given parts in place of what it had. */
static bool merge(const struct target *target, const struct sd *given, uint32_t information,
                  struct composed *to)
{
    struct sd old = {0};
    const struct sd *dacl, *sacl;

    if (open_blob(&old, *target->own)) {
        sd_owner(&old, &to->owner);
        sd_group(&old, &to->group);
    } else if (target->object && target->object->creator != MODEL_BY_ADMINISTRATORS) {
        to->owner = sid_of_uid(target->object->creator);
    } else {
        to->owner = sid_administrators();
    }
    if (information & INFO_OWNER)
        sd_owner(given, &to->owner);
    if (information & INFO_GROUP)
        sd_group(given, &to->group);
    dacl = information & INFO_DACL ? given : &old;
    sacl = information & INFO_SACL ? given : &old;
    to->control = (uint16_t)((dacl->control & (SD_DACL_PRESENT | SD_DACL_PROTECTED)) |
                             (sacl->control & (SD_SACL_PRESENT | SD_SACL_PROTECTED)) |
                             (information & INFO_PROTECTED ? SD_DACL_PROTECTED : 0));
    return collect(dacl, dacl->dacl, false, &to->dacl, &to->dacl_count) &&
           collect(sacl, sacl->sacl, false, &to->sacl, &to->sacl_count) &&
           drop_inherited(to->dacl, &to->dacl_count);
}

static uint32_t replace(struct model *model, const struct target *target, const struct sd *given,
                        uint32_t information, struct model_error *error)
{
    struct composed merged = {0};
    FWP_BYTE_BLOB made = {0}, *copy = NULL;

    if (merge(target, given, information, &merged) &&
        make(&merged, INFO_OWNER | INFO_GROUP | INFO_DACL | INFO_SACL, &made))
        copy = sd_blob_copy(&made);
    free(made.data);
    composed_free(&merged);
    if (!copy)
        return fail(error, ERROR_NOT_ENOUGH_MEMORY,
                    "The security descriptor is too big, or the filter engine out of memory.");
    free(*target->own);
    *target->own = copy;
    model->security_version++;
    return ERROR_SUCCESS;
}

uint32_t model_security_set(struct model_session *session, enum model_kind kind, const GUID *key,
                            uint32_t information, const FWP_BYTE_BLOB *sd,
                            struct model_error *error)
{
    struct target target = {0};
    struct sd given;
    uint32_t rc = find_target(session, kind, key, &target, error);

    if (rc == ERROR_SUCCESS)
        rc = check_set(session, &target, information, error);
    if (rc == ERROR_SUCCESS)
        rc = sd_blob_check(sd, error);
    if (rc == ERROR_SUCCESS)
        rc = check_access(session, &target, needed_rights(information), error);
    if (rc == ERROR_SUCCESS)
        rc = check_sacl(session, information, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    sd_open(&given, sd->data, sd->size, NULL);
    if (information & INFO_OWNER)
        rc = check_owner(session, &given, error);
    return rc != ERROR_SUCCESS ? rc : replace(session->model, &target, &given, information, error);
}
