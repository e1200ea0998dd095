/* Sets of objects, by kind. */
#include "rpc/convert_private.h"

/* Kinds on the wire are those of the model. */
#define SAME_KIND(kind) _Static_assert((int)RPC__KIND__##kind == (int)MODEL_##kind, #kind)
SAME_KIND(PROVIDER);
SAME_KIND(SUBLAYER);
SAME_KIND(PROVIDER_CONTEXT);
SAME_KIND(CALLOUT);
SAME_KIND(FILTER);
SAME_KIND(LAYER);
SAME_KIND(SESSION);
SAME_KIND(NET_EVENT);
SAME_KIND(ENGINE);

bool decode_kind(struct converter *c, Rpc__Kind number, enum model_kind *kind)
{
    *kind = (enum model_kind)number;
    return check_enum(c, "kind", (uint32_t)number, MODEL_ENGINE);
}

/* What a kind is encoded and decoded with, and where its messages are in Objects. */
struct set {
    void *(*encode)(struct converter *c, const void *object);
    bool (*decode)(struct converter *c, const void *message, void *object);
    size_t size;
    size_t count_at, messages_at;
};

#define SET_OF(kind, message, structure)                                                           \
    static void *encode_##kind##_any(struct converter *c, const void *object)                      \
    {                                                                                              \
        return encode_##kind(c, (const structure *)object);                                        \
    }                                                                                              \
    static bool decode_##kind##_any(struct converter *c, const void *from, void *object)           \
    {                                                                                              \
        return decode_##kind(c, (const message *)from, (structure *)object);                       \
    }                                                                                              \
    static const struct set kind##_set = {                                                         \
        .encode = encode_##kind##_any,                                                             \
        .decode = decode_##kind##_any,                                                             \
        .size = sizeof(structure),                                                                 \
        .count_at = offsetof(Rpc__Objects, n_##kind##s),                                           \
        .messages_at = offsetof(Rpc__Objects, kind##s),                                            \
    };

SET_OF(provider, Rpc__Provider, FWPM_PROVIDER0)
SET_OF(provider_context, Rpc__ProviderContext, FWPM_PROVIDER_CONTEXT0)
SET_OF(sublayer, Rpc__Sublayer, FWPM_SUBLAYER0)
SET_OF(callout, Rpc__Callout, FWPM_CALLOUT0)
SET_OF(filter, Rpc__Filter, FWPM_FILTER0)
SET_OF(layer, Rpc__Layer, FWPM_LAYER0)
SET_OF(session, Rpc__Session, FWPM_SESSION0)
SET_OF(net_event, Rpc__NetEvent, OPENWFP_NET_EVENT)

static const struct set *const sets[] = {
    [MODEL_PROVIDER] = &provider_set, [MODEL_PROVIDER_CONTEXT] = &provider_context_set,
    [MODEL_SUBLAYER] = &sublayer_set, [MODEL_CALLOUT] = &callout_set,
    [MODEL_FILTER] = &filter_set,     [MODEL_LAYER] = &layer_set,
    [MODEL_SESSION] = &session_set,   [MODEL_NET_EVENT] = &net_event_set,
};

static const struct set *set_of(struct converter *c, enum model_kind kind)
{
    if (kind < sizeof(sets) / sizeof(sets[0]))
        return sets[kind];
    refuse(c, FWP_E_INVALID_PARAMETER, "there are no objects of kind %d", kind);
    return NULL;
}

Rpc__Objects *encode_objects(struct converter *c, enum model_kind kind, size_t count,
                             const void *const *objects)
{
    const struct set *set = set_of(c, kind);
    Rpc__Objects *message = set ? NEW_MESSAGE(c, Rpc__Objects, rpc__objects__init) : NULL;
    void **encoded = message ? take_pointers(c, count) : NULL;

    if (!encoded)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        encoded[i] = set->encode(c, objects[i]);
        if (!encoded[i])
            return NULL;
    }
    message->kind = (Rpc__Kind)kind;
    *(size_t *)((char *)message + set->count_at) = count;
    *(void ***)((char *)message + set->messages_at) = encoded;
    return message;
}

bool decode_objects(struct converter *c, enum model_kind kind, const Rpc__Objects *message,
                    size_t *count, void ***objects)
{
    const struct set *set = set_of(c, kind);
    void *const *encoded;
    char *each;

    *count = 0;
    if (!set)
        return false;
    if (message->kind != (Rpc__Kind)kind)
        return refuse(c, FWP_E_INVALID_PARAMETER, "objects of kind %d where %d is wanted",
                      message->kind, kind);
    *count = *(const size_t *)((const char *)message + set->count_at);
    encoded = *(void *const *const *)((const char *)message + set->messages_at);
    *objects = take_pointers(c, *count);
    each = take_array(c, *count, set->size);
    if (!*objects || !each)
        return false;
    for (size_t i = 0; i < *count; i++, each += set->size) {
        if (!set->decode(c, encoded[i], each))
            return false;
        (*objects)[i] = each;
    }
    return true;
}
