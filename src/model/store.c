/* Objects are found by key, by id, and in the order they were added. */
#include "model_private.h"

#include <stdlib.h>

static bool has_id(enum model_kind kind)
{
    return kind == MODEL_FILTER || kind == MODEL_CALLOUT || kind == MODEL_PROVIDER_CONTEXT;
}

static struct object_list *home(struct model *model, const struct object *object)
{
    return object->kind == MODEL_FILTER ? &model->layers[object->layer_id]
                                        : &model->kinds[object->kind];
}

static void list_append(struct object_list *list, struct object *object)
{
    object->previous = list->last;
    object->next = NULL;
    if (list->last)
        list->last->next = object;
    else
        list->first = object;
    list->last = object;
    list->count++;
}

static void list_remove(struct object_list *list, struct object *object)
{
    if (object->previous)
        object->previous->next = object->next;
    else
        list->first = object->next;
    if (object->next)
        object->next->previous = object->previous;
    else
        list->last = object->previous;
    list->count--;
}

static void own(struct object *object)
{
    struct model_session *owner = object_owner(object);

    if (!owner)
        return;
    object->ties->owned_previous = owner->owned_last;
    if (owner->owned_last)
        owner->owned_last->ties->owned_next = object;
    else
        owner->owned_first = object;
    owner->owned_last = object;
}

static void disown(struct object *object)
{
    struct model_session *owner = object_owner(object);
    struct object_ties *ties = object->ties;

    if (!owner)
        return;
    if (ties->owned_previous)
        ties->owned_previous->ties->owned_next = ties->owned_next;
    else
        owner->owned_first = ties->owned_next;
    if (ties->owned_next)
        ties->owned_next->ties->owned_previous = ties->owned_previous;
    else
        owner->owned_last = ties->owned_previous;
    ties->owner = NULL;
}

bool store_reserve(struct model *model, enum model_kind kind)
{
    return index_reserve(&model->by_key[kind]) &&
           (!has_id(kind) || index_reserve(&model->by_id[kind]));
}

void store_link(struct model *model, struct object *object)
{
    enum model_kind kind = object->kind;

    index_insert(&model->by_key[kind], &object->by_key,
                 index_hash(object_key(object), model->seed));
    if (has_id(kind))
        index_insert(&model->by_id[kind], &object->by_id,
                     index_hash_number(object->id, model->seed));
    list_append(home(model, object), object);
    own(object);
}

void store_unlink(struct model *model, struct object *object)
{
    enum model_kind kind = object->kind;

    index_remove(&model->by_key[kind], &object->by_key);
    if (has_id(kind))
        index_remove(&model->by_id[kind], &object->by_id);
    list_remove(home(model, object), object);
    disown(object);
    object->state = OBJECT_GONE;
}

struct object *store_find(const struct model *model, enum model_kind kind, const GUID *key,
                          const struct model_session *session)
{
    struct index_node *node = index_first(&model->by_key[kind], index_hash(key, model->seed));

    for (; node; node = index_next(node)) {
        struct object *object = INDEX_ITEM(node, struct object, by_key);

        if (guid_equal(object_key(object), key) && object_visible(object, session))
            return object;
    }
    return NULL;
}

struct object *store_find_id(const struct model *model, enum model_kind kind, uint64_t id,
                             const struct model_session *session)
{
    struct index_node *node = index_first(&model->by_id[kind], index_hash_number(id, model->seed));

    for (; node; node = index_next(node)) {
        struct object *object = INDEX_ITEM(node, struct object, by_id);

        if (object->id == id && object_visible(object, session))
            return object;
    }
    return NULL;
}

static void list_free(struct object_list *list)
{
    for (struct object *object = list->first, *next; object; object = next) {
        next = object->next;
        object_unpin(object);
    }
}

void store_free(struct model *model)
{
    for (size_t i = 0; i < MODEL_LAYER_IDS; i++)
        list_free(&model->layers[i]);
    for (size_t kind = 0; kind < MODEL_OBJECT_KINDS; kind++) {
        list_free(&model->kinds[kind]);
        index_free(&model->by_key[kind]);
        index_free(&model->by_id[kind]);
    }
}
