#include "model_private.h"

#include <stdlib.h>
#include <string.h>

#include "utf16.h"

/* ---- who the caller is ---- */

static bool make_token(struct model_session *session, const struct model_caller *caller)
{
    size_t count = 0;

    session->sids = calloc(caller->group_count + 3, sizeof(*session->sids));
    if (!session->sids)
        return false;
    session->sids[count++] = sid_of_uid(caller->uid);
    session->sids[count++] = sid_of_gid(caller->gid);
    for (size_t i = 0; i < caller->group_count; i++)
        session->sids[count++] = sid_of_gid(caller->groups[i]);
    if (caller->privileged || caller->kernel)
        session->sids[count++] = sid_administrators();
    session->sid_count = count;
    session->uid = caller->uid;
    session->privileged = caller->privileged;
    session->kernel = caller->kernel;
    return true;
}

static void pack_session(struct pack *pack, void *copy)
{
    FWPM_SESSION0 *info = copy;

    pack_display(pack, &info->displayData);
    info->sid = pack_bytes(pack, info->sid, sid_size(info->sid, SID_MAX_SIZE), 4);
    info->username = pack_text(pack, info->username);
}

static bool make_info(struct model_session *session, const FWPM_SESSION0 *given,
                      const struct model_caller *caller)
{
    WCHAR *username = utf16_from_utf8(caller->username);
    FWPM_SESSION0 info = *given;

    if (caller->username && !username)
        return false;
    info.processId = caller->pid;
    info.sid = (void *)session->sids[0].bytes;
    info.username = username;
    info.kernelMode = caller->kernel;
    session->info = pack_copy(&info, sizeof(info), 0, pack_session);
    free(username);
    return session->info;
}

FWPM_SESSION0 *session_info_copy(const struct model_session *session)
{
    return pack_copy(session->info, sizeof(*session->info), 0, pack_session);
}

/* ---- life ---- */

static bool key_in_use(const struct model *model, const GUID *key)
{
    const struct model_session *session = model->sessions;

    while (session && !guid_equal(&session->info->sessionKey, key))
        session = session->next;
    return session;
}

static uint32_t check_session(const struct model *model, FWPM_SESSION0 *info,
                              struct model_error *error)
{
    if (info->flags & ~(uint32_t)FWPM_SESSION_FLAG_DYNAMIC)
        return fail(error, FWP_E_INVALID_FLAGS,
                    "A session's flags are 0 or FWPM_SESSION_FLAG_DYNAMIC, not %#x.", info->flags);
    if (guid_is_zero(&info->sessionKey) && !guid_random(&info->sessionKey))
        return fail_memory(error);
    if (key_in_use(model, &info->sessionKey))
        return fail(error, FWP_E_ALREADY_EXISTS, "There is a session %s already.",
                    GUID_TEXT(&info->sessionKey));
    return ERROR_SUCCESS;
}

static void session_free(struct model_session *session)
{
    free(session->handles);
    free(session->sids);
    free(session->info);
    free(session);
}

static void session_link(struct model_session *session)
{
    struct model *model = session->model;

    session->next = model->sessions;
    if (model->sessions)
        model->sessions->previous = session;
    model->sessions = session;
}

static void session_unlink(struct model_session *session)
{
    if (session->previous)
        session->previous->next = session->next;
    else
        session->model->sessions = session->next;
    if (session->next)
        session->next->previous = session->previous;
}

uint32_t model_session_open(struct model *model, const FWPM_SESSION0 *given,
                            const struct model_caller *caller, void *user,
                            struct model_session **opened, struct model_error *error)
{
    FWPM_SESSION0 info = given ? *given : (FWPM_SESSION0){0};
    uint32_t rc = check_session(model, &info, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    struct model_session *session = calloc(1, sizeof(*session));
    if (!session)
        return fail_memory(error);
    session->model = model;
    session->user = user;
    session->dynamic = info.flags & FWPM_SESSION_FLAG_DYNAMIC;
    if (make_token(session, caller) && make_info(session, &info, caller))
        rc = access_container(session, MODEL_ENGINE, FWPM_ACTRL_OPEN, error);
    else
        rc = fail_memory(error);
    if (rc != ERROR_SUCCESS) {
        session_free(session);
        return rc;
    }
    session_link(session);
    *opened = session;
    return ERROR_SUCCESS;
}

void model_session_close(struct model_session *session)
{
    if (!session)
        return;
    txn_leave(session);
    while (session->handle_count)
        session_drop_handle(session, session->handles[session->handle_count - 1]);
    session_unlink(session);
    txn_drop_owned(session);
    session_free(session);
}

void *model_session_user(const struct model_session *session)
{
    return session->user;
}

const FWPM_SESSION0 *model_session_info(const struct model_session *session)
{
    return session->info;
}

uint32_t model_session_wait_ms(const struct model_session *session)
{
    uint32_t wait = session->info->txnWaitTimeoutInMSec;

    return wait ? wait : MODEL_TXN_WAIT_DEFAULT_MS;
}

/* ---- handles: enumerations and subscriptions ---- */

struct use {
    size_t handles, items;
};

static void add_use(struct use *use, const struct model_session *session)
{
    use->handles += session->handle_count;
    for (size_t i = 0; i < session->handle_count; i++)
        use->items += session->handles[i]->count;
}

static bool is_enough(const struct use *use, const struct handle *more, size_t handles,
                      size_t items)
{
    return use->handles >= handles || (use->items && use->items + more->count > items);
}

/* Snapshots live in the service's memory, and each subscription costs every commit. */
static uint32_t check_use(const struct model_session *session, const struct handle *more,
                          struct model_error *error)
{
    struct use user = {0}, all = {0};

    if (session->privileged || session->kernel)
        return ERROR_SUCCESS;
    for (const struct model_session *s = session->model->sessions; s; s = s->next) {
        if (s->privileged || s->kernel)
            continue;
        add_use(&all, s);
        if (s->uid == session->uid)
            add_use(&user, s);
    }
    if (!is_enough(&user, more, MODEL_USER_HANDLES, MODEL_USER_ITEMS) &&
        !is_enough(&all, more, MODEL_ALL_HANDLES, MODEL_ALL_ITEMS))
        return ERROR_SUCCESS;
    return fail(error, ERROR_NOT_ENOUGH_MEMORY,
                "User %u, or all users together, have too many enumerations and subscriptions "
                "open; destroy some.",
                session->uid);
}

uint32_t session_add_handle(struct model_session *session, struct handle *handle,
                            struct model_error *error)
{
    uint32_t code = check_use(session, handle, error);
    struct handle **grown;

    if (code != ERROR_SUCCESS)
        return code;
    if (session->handle_count == MODEL_MAX_HANDLES)
        return fail(
            error, ERROR_NOT_ENOUGH_MEMORY,
            "The session has %u enumerations and subscriptions open, the most there may be; "
            "destroy some.",
            MODEL_MAX_HANDLES);
    grown = realloc(session->handles, (session->handle_count + 1) * sizeof(struct handle *));
    if (!grown)
        return fail_memory(error);
    session->handles = grown;
    handle->number = ++session->model->last_handle;
    session->handles[session->handle_count++] = handle;
    return ERROR_SUCCESS;
}

static struct handle *own_handle(const struct model_session *session, uint64_t number,
                                 enum handle_type type)
{
    for (size_t i = 0; i < session->handle_count; i++) {
        if (session->handles[i]->number == number && session->handles[i]->type == type)
            return session->handles[i];
    }
    return NULL;
}

uint32_t session_find_handle(struct model_session *session, uint64_t number, enum handle_type type,
                             uint32_t not_found, struct handle **found, struct model_error *error)
{
    const char *what = type == HANDLE_ENUMERATION ? "enumeration" : "subscription";

    *found = own_handle(session, number, type);
    if (*found)
        return ERROR_SUCCESS;
    for (const struct model_session *other = session->model->sessions; other; other = other->next) {
        if (own_handle(other, number, type))
            return fail(error, FWP_E_WRONG_SESSION, "The %s %llu belongs to another session.", what,
                        (unsigned long long)number);
    }
    return fail(error, not_found, "There is no %s %llu.", what, (unsigned long long)number);
}

void session_drop_handle(struct model_session *session, struct handle *handle)
{
    size_t at = 0;

    while (session->handles[at] != handle)
        at++;
    session->handles[at] = session->handles[--session->handle_count];
    handle_free(handle);
}
