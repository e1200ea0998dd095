/* From named fields, or from a net event, to the numbers that the lookup compares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "model/guid.h"
#include "model/layers.h"
#include "model/utf16.h"

static bool refuse(struct converter *c, uint32_t code, const char *what, const char *why)
{
    c->error.code = code;
    snprintf(c->error.text, sizeof(c->error.text), "%s: %s", what, why);
    return false;
}

static void set(struct classify_walk *walk, unsigned slot, uint64_t value)
{
    walk->key.present |= 1ull << slot;
    walk->key.value[slot] = value;
}

static void set_address(struct classify_walk *walk, unsigned slot, const uint8_t bytes[16])
{
    uint64_t halves[2] = {0};

    for (int i = 0; i < 16; i++)
        halves[i / 8] = halves[i / 8] << 8 | bytes[i];
    set(walk, slot, halves[0]);
    set(walk, slot + 1, halves[1]);
}

static void set_user(struct classify_walk *walk, const struct engine *engine, uint32_t uid,
                     const uint32_t *groups, size_t count)
{
    const struct classify_image *image = engine->image;
    uint64_t bits = 0;

    for (uint32_t i = 0; image && i < image->group_count; i++)
        for (size_t j = 0; j < count; j++)
            if (groups[j] == image->groups[i].gid)
                bits |= image->groups[i].bits;
    set(walk, CLASSIFY_UID, uid);
    set(walk, CLASSIFY_USER_BITS, bits);
}

/* ---- from a request ---- */

static bool set_app(struct converter *c, const struct engine *engine, const FWP_BYTE_BLOB *blob,
                    struct classify_walk *walk)
{
    char *path =
        utf16_to_utf8_within((const WCHAR *)(const void *)blob->data, blob->size / sizeof(WCHAR));

    if (!path)
        return refuse(c, ERROR_NOT_ENOUGH_MEMORY, "ALE_APP_ID", "out of memory");
    set(walk, CLASSIFY_APP, apps_find(&engine->apps, path));
    free(path);
    return true;
}

static bool set_number(struct converter *c, const char *name, const FWP_VALUE0 *value,
                       unsigned slot, struct classify_walk *walk)
{
    switch (value->type) {
    case FWP_UINT8:
        set(walk, slot, value->uint8);
        return true;
    case FWP_UINT16:
        set(walk, slot, value->uint16);
        return true;
    case FWP_UINT32:
        set(walk, slot, value->uint32);
        return true;
    case FWP_UINT64:
        set(walk, slot, *value->uint64);
        return true;
    default:
        return refuse(c, FWP_E_TYPE_MISMATCH, name, "needs an integer");
    }
}

static bool set_field(struct converter *c, const struct engine *engine,
                      const struct layer_info *layer, const OPENWFP_FIELD_VALUE *given,
                      struct classify_walk *walk)
{
    const struct layer_field *field = layer_find_field(layer, &given->fieldKey);
    const FWP_VALUE0 *value = &given->value;
    char key[GUID_TEXT_SIZE];

    if (!field)
        return refuse(c, FWP_E_CONDITION_NOT_FOUND, guid_format(&given->fieldKey, key),
                      "this layer has no such field");
    if (field->slot < 0)
        return refuse(c, ERROR_NOT_SUPPORTED, field->name, "Linux never has this field");
    if (value->type == FWP_EMPTY)
        return true;
    if (field->cls == CONDITION_SD)
        return refuse(c, FWP_E_TYPE_MISMATCH, field->name, "give the user by hasUser and uid");
    if (field->cls == CONDITION_BLOB) {
        if (value->type != FWP_BYTE_BLOB_TYPE)
            return refuse(c, FWP_E_TYPE_MISMATCH, field->name, "needs a FWP_BYTE_BLOB_TYPE");
        return set_app(c, engine, value->byteBlob, walk);
    }
    if (field->cls != CONDITION_ADDR)
        return set_number(c, field->name, value, (unsigned)field->slot, walk);
    if (layer->family == 4 && value->type == FWP_UINT32)
        set(walk, (unsigned)field->slot, value->uint32);
    else if (layer->family == 6 && value->type == FWP_BYTE_ARRAY16_TYPE)
        set_address(walk, (unsigned)field->slot, value->byteArray16->byteArray16);
    else
        return refuse(c, FWP_E_TYPE_MISMATCH, field->name,
                      "needs an address of the layer's family");
    return true;
}

bool explain_key(struct converter *c, const struct engine *engine,
                 const OPENWFP_EXPLAIN_REQUEST *request, struct classify_walk *walk)
{
    const struct layer_info *layer = layer_by_id(request->layerId);

    if (!layer || layer->support != LAYER_ENFORCED)
        return refuse(c, FWP_E_LAYER_NOT_FOUND, layer ? layer->name : "layerId",
                      "nothing is enforced at this layer");
    *walk = (struct classify_walk){.layer = layer->id};
    for (UINT32 i = 0; i < request->numFields; i++)
        if (!set_field(c, engine, layer, &request->fields[i], walk))
            return false;
    if (request->hasUser) {
        uint32_t *groups = arena_array(c->arena, request->numGroups + 1, sizeof(*groups));

        if (!groups)
            return refuse(c, ERROR_NOT_ENOUGH_MEMORY, "groups", "out of memory");
        if (request->numGroups)
            memcpy(groups, request->groups, request->numGroups * sizeof(*groups));
        groups[request->numGroups] = request->gid;
        set_user(walk, engine, request->uid, groups, request->numGroups + 1);
    }
    return true;
}

/* ---- from a net event ---- */

static void set_event_address(const struct shim_event *event, const uint8_t bytes[16],
                              unsigned slot, struct classify_walk *walk)
{
    if (event->family == 6)
        set_address(walk, slot, bytes);
    else
        set(walk, slot,
            (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                bytes[3]);
}

static void set_from_event(const struct engine *engine, const struct shim_event *event,
                           unsigned slot, struct classify_walk *walk)
{
    switch (slot) {
    case CLASSIFY_PROTOCOL:
        set(walk, slot, event->protocol);
        break;
    case CLASSIFY_LOCAL_PORT:
        set(walk, slot, event->local_port);
        break;
    case CLASSIFY_REMOTE_PORT:
        set(walk, slot, event->remote_port);
        break;
    case CLASSIFY_FLAGS:
        set(walk, slot, event->condition_flags);
        break;
    case CLASSIFY_LOCAL_ADDRESS:
        set_event_address(event, event->local, slot, walk);
        break;
    case CLASSIFY_REMOTE_ADDRESS:
        set_event_address(event, event->remote, slot, walk);
        break;
    case CLASSIFY_APP:
        set(walk, slot, event->app[0] ? apps_find(&engine->apps, event->app) : 0);
        break;
    case CLASSIFY_UID:
        set_user(walk, engine, event->uid, &event->gid, 1);
        break;
    case CLASSIFY_INTERFACE_INDEX:
    case CLASSIFY_LOCAL_INTERFACE:
        if (event->ifindex)
            set(walk, slot, event->ifindex);
        break;
    case CLASSIFY_COMPARTMENT:
        set(walk, slot, event->netns);
        break;
    case CLASSIFY_DIRECTION:
        set(walk, slot, event->direction);
        break;
    }
}

void explain_event_key(const struct engine *engine, const struct shim_event *event,
                       struct classify_walk *walk)
{
    const struct layer_info *layer = layer_by_id(event->layer);

    *walk = (struct classify_walk){.layer = event->layer};
    for (unsigned i = 0; layer && i < layer->field_count; i++)
        if (layer->fields[i].slot >= 0)
            set_from_event(engine, event, (unsigned)layer->fields[i].slot, walk);
}
