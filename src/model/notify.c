/* Change subscriptions: who is told what after a commit (rule 12.x). */
#include "template.h"

#include <stdlib.h>

#define CHANGES_AT_ONCE 256

/* ---- telling ---- */

static bool wants(const struct handle *subscription, const struct object *object)
{
    uint32_t flag = object->state == OBJECT_GONE ? FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE
                                                 : FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD;

    return subscription->kind == object->kind && subscription->flags & flag &&
           (!subscription->template_ ||
            template_matches(subscription->kind, subscription->template_, object));
}

/* Tells one subscription of what it wants in the journal, some changes at a time. */
static void tell(struct model_session *session, const struct handle *subscription,
                 const struct journal *journal)
{
    const struct model_hooks *hooks = &session->model->hooks;
    struct model_change changes[CHANGES_AT_ONCE];
    size_t count = 0;

    for (size_t i = 0; i < journal->count; i++) {
        const struct object *object = journal->objects[i];

        if (!object || !wants(subscription, object) || !access_may_read(session, object))
            continue;
        changes[count++] = (struct model_change){
            .kind = object->kind,
            .type = object->state == OBJECT_GONE ? FWPM_CHANGE_DELETE : FWPM_CHANGE_ADD,
            .key = *object_key(object),
            .id = object->id,
        };
        if (count == CHANGES_AT_ONCE) {
            hooks->changed(hooks->ctx, session, subscription->number, changes, count);
            count = 0;
        }
    }
    if (count)
        hooks->changed(hooks->ctx, session, subscription->number, changes, count);
}

static void tell_all(struct model_session *session, const struct journal *journal)
{
    for (size_t i = 0; i < session->handle_count; i++) {
        if (session->handles[i]->type == HANDLE_SUBSCRIPTION)
            tell(session, session->handles[i], journal);
    }
}

void notify_commit(struct model *model, const struct model_session *by,
                   const struct journal *journal)
{
    if (!model->hooks.changed || !journal->count)
        return;
    for (struct model_session *session = model->sessions; session; session = session->next) {
        if (session != by && session->subscriptions)
            tell_all(session, journal);
    }
}

/* ---- subscribing ---- */

#define FLAGS                                                                                      \
    ((uint32_t)FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD | FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE)

static uint32_t check_subscribe(struct model_session *session, enum model_kind kind,
                                const void *template_, uint32_t flags, struct model_error *error)
{
    uint32_t rc = read_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (session->txn != TXN_NONE)
        return fail(error, FWP_E_TXN_IN_PROGRESS,
                    "Subscriptions can't begin or end inside of a transaction; end it first.");
    if ((unsigned)kind >= MODEL_OBJECT_KINDS)
        return fail(error, FWP_E_INVALID_PARAMETER, "Objects of kind %u don't change.",
                    (unsigned)kind);
    if (!(flags & FLAGS) || flags & ~FLAGS)
        return fail(
            error, FWP_E_INVALID_FLAGS,
            "A subscription's flags are FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD, _ON_DELETE or "
            "both, not %#x.",
            flags);
    rc = access_container(session, kind, FWPM_ACTRL_SUBSCRIBE, error);
    return rc == ERROR_SUCCESS ? template_check(kind, template_, error) : rc;
}

uint32_t model_subscribe(struct model_session *session, enum model_kind kind, const void *template_,
                         uint32_t flags, uint64_t *subscription, struct model_error *error)
{
    uint32_t rc = check_subscribe(session, kind, template_, flags, error);
    struct handle *made;

    if (rc != ERROR_SUCCESS)
        return rc;
    made = calloc(1, sizeof(*made));
    if (!made)
        return fail_memory(error);
    made->type = HANDLE_SUBSCRIPTION;
    made->kind = kind;
    made->flags = flags;
    if (template_ && !(made->template_ = template_copy(kind, template_)))
        rc = fail_memory(error);
    if (rc == ERROR_SUCCESS)
        rc = session_add_handle(session, made, error);
    if (rc != ERROR_SUCCESS) {
        handle_free(made);
        return rc;
    }
    session->subscriptions++;
    *subscription = made->number;
    return ERROR_SUCCESS;
}

uint32_t model_unsubscribe(struct model_session *session, uint64_t subscription,
                           struct model_error *error)
{
    struct handle *found;
    uint32_t rc = session_find_handle(session, subscription, HANDLE_SUBSCRIPTION, FWP_E_NOT_FOUND,
                                      &found, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (session->txn != TXN_NONE)
        return fail(error, FWP_E_TXN_IN_PROGRESS,
                    "Subscriptions can't begin or end inside of a transaction; end it first.");
    session->subscriptions--;
    session_drop_handle(session, found);
    return ERROR_SUCCESS;
}
