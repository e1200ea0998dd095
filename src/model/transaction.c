/*
 * What a transaction has changed so far is in the objects' states and in the journal. Until commit
 * everyone but the writer looks past it; commit settles the states, abort takes them back.
 */
#include "model_private.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MANY_GONE 16384u /* objects: some MiB */

/* ---- the journal ---- */

bool journal_reserve(struct journal *journal)
{
    if (journal->count < journal->room)
        return true;

    size_t room = journal->room ? journal->room * 2 : 64;
    struct object **objects = realloc(journal->objects, room * sizeof(struct object *));
    if (!objects)
        return false;
    journal->objects = objects;
    journal->room = room;
    return true;
}

void journal_push(struct journal *journal, struct object *object)
{
    object->journal = (uint32_t)journal->count;
    journal->objects[journal->count++] = object;
}

/* Lets go of deleted objects. What was large gives its memory back. */
static void journal_clear(struct journal *journal)
{
    size_t gone = 0;

    for (size_t i = 0; i < journal->count; i++) {
        if (!journal->objects[i] || journal->objects[i]->state != OBJECT_GONE)
            continue;
        object_unpin(journal->objects[i]);
        gone++;
    }
    if (gone > MANY_GONE)
        malloc_trim(0);
    journal->count = 0;
    if (journal->room > 4096) {
        free(journal->objects);
        *journal = (struct journal){0};
    }
}

/* ---- single changes ---- */

static void take_out(struct model *model, struct object *object)
{
    if (object->state != OBJECT_ADDED)
        model->committed[object->kind]--;
    if (object->kind == MODEL_CALLOUT)
        code_release(model, object->code);
    store_unlink(model, object);
}

void txn_delete(struct model *model, struct object *object)
{
    object_release(object);
    if (object->state == OBJECT_ADDED) {
        model->journal.objects[object->journal] = NULL;
        take_out(model, object);
        object_unpin(object);
        return;
    }
    object->state = OBJECT_DELETED;
    journal_push(&model->journal, object);
}

/* ---- the whole ---- */

static void mark_changed(struct model_view *view, const struct journal *journal)
{
    memset(view->changed, journal->incomplete ? 0xff : 0, sizeof(view->changed));
    for (size_t i = 0; i < journal->count; i++) {
        const struct object *object = journal->objects[i];

        if (object && object->kind == MODEL_FILTER)
            view->changed[object->layer_id / 64] |= UINT64_C(1) << object->layer_id % 64;
    }
}

static uint32_t apply(struct model *model, const struct model_session *as,
                      const struct journal *journal, struct model_error *error)
{
    struct model_view *view = &model->view;

    mark_changed(view, journal);
    uint32_t rc = ERROR_SUCCESS;
    view->as = as;
    view->delta = journal->incomplete ? NULL : journal;
    if (model->hooks.apply && (view->changed[0] | view->changed[1]))
        rc = model->hooks.apply(model->hooks.ctx, view, error);
    if (rc == ERROR_SUCCESS)
        rc = model_view_keep(view, error);
    view->as = NULL;
    view->delta = NULL;
    return rc;
}

static void settle(struct model *model)
{
    for (size_t i = 0; i < model->journal.count; i++) {
        struct object *object = model->journal.objects[i];

        if (!object)
            continue;
        if (object->state == OBJECT_ADDED) {
            object->state = OBJECT_COMMITTED;
            model->committed[object->kind]++;
        } else {
            take_out(model, object);
        }
    }
}

/* Subscribers are told before the store is: what they note is part of what was kept. */
static void end_commit(struct model *model, uint32_t rc)
{
    bool kept = model->keep == KEPT;

    model->keep = KEEP_NOTHING;
    if (kept && model->hooks.kept)
        model->hooks.kept(model->hooks.ctx, rc == ERROR_SUCCESS);
}

uint32_t txn_commit_pending(struct model *model, struct model_error *error)
{
    const struct model_session *writer = model->writer;

    model->keep = model->journal.count ? KEEP_DUE : KEEP_NOTHING;
    uint32_t rc = apply(model, writer, &model->journal, error);

    if (rc == ERROR_SUCCESS) {
        settle(model);
        notify_commit(model, writer, &model->journal);
        journal_clear(&model->journal);
    } else {
        txn_roll_back(model);
    }
    end_commit(model, rc);
    return rc;
}

/* Backwards, so that what was named by later additions is free when its turn comes. */
void txn_roll_back(struct model *model)
{
    struct journal *journal = &model->journal;

    for (size_t i = journal->count; i-- > 0;) {
        struct object *object = journal->objects[i];

        if (object && object->state == OBJECT_ADDED) {
            object_release(object);
            take_out(model, object);
        } else if (object) {
            object->state = OBJECT_COMMITTED;
            object_refer(object);
        }
    }
    journal_clear(journal);
}

/* ---- the end of a dynamic session ---- */

static void drop(struct model *model, struct object *object, struct journal *gone)
{
    /* Another session's pending transaction may have deleted it already. */
    if (object->state == OBJECT_DELETED)
        model->journal.objects[object->journal] = NULL;
    else
        object_release(object);
    take_out(model, object);
    if (journal_reserve(gone)) {
        journal_push(gone, object);
    } else {
        gone->incomplete = true;
        object_unpin(object);
    }
}

/*
 * Does not wait for a writer: a client that dies is gone at once, whoever holds the lock. No object
 * of others can name these (rule 8.5). Kinds go from what names to what is named (rule 8.6).
 */
void txn_drop_owned(struct model_session *session)
{
    struct model *model = session->model;
    struct journal gone = {0};

    for (int kind = MODEL_FILTER; kind >= MODEL_PROVIDER && session->owned_first; kind--) {
        for (struct object *object = session->owned_first, *next; object; object = next) {
            next = object->ties->owned_next;
            if (object->kind == kind)
                drop(model, object, &gone);
        }
    }
    if (gone.count || gone.incomplete)
        apply(model, NULL, &gone, &(struct model_error){0});
    notify_commit(model, session, &gone);
    journal_clear(&gone);
    free(gone.objects);
}
