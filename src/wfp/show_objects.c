/* wfp show sublayers, callouts, providers, layers, sessions. */
#include "src/wfp/show.h"

#include <stdlib.h>

#include "src/model/layers.h"
#include "src/wfp/arena.h"
#include "src/wfp/list.h"

/* ---- sublayers, heaviest first ---- */

static const char *life_of(bool persistent)
{
    return persistent ? "persistent" : "running";
}

static bool sublayer_json(void *ctx, const FWPM_SUBLAYER0 *sublayer)
{
    struct show *show = ctx;
    json_object(&show->json, NULL);
    json_text(&show->json, "key", show_key(show, &sublayer->subLayerKey));
    json_text(&show->json, "name", show_text(show, sublayer->displayData.name));
    json_number(&show->json, "weight", sublayer->weight);
    json_text(&show->json, "life", life_of((sublayer->flags & 1) != 0));
    json_text(&show->json, "provider", show_provider(show, sublayer->providerKey));
    json_object_end(&show->json);
    return true;
}

static int by_weight(const void *left, const void *right)
{
    const struct names_entry *a = *(const struct names_entry *const *)left;
    const struct names_entry *b = *(const struct names_entry *const *)right;
    return (a->weight < b->weight) - (a->weight > b->weight);
}

static void sublayer_table(struct show *show)
{
    size_t count = 0, i = 0;
    for (const struct names_entry *e = show->names.sublayers; e != NULL; e = e->next)
        count++;
    const struct names_entry **sorted =
        arena_alloc(show->cli->arena, (count + 1) * sizeof(struct names_entry *));
    for (const struct names_entry *e = show->names.sublayers; e != NULL; e = e->next)
        sorted[i++] = e;
    qsort(sorted, count, sizeof(struct names_entry *), by_weight);
    for (i = 0; i < count; i++) {
        table_row(show->table);
        table_cell(show->table, "%u", sorted[i]->weight);
        table_cell(show->table, "%s", sorted[i]->name);
        table_cell(show->table, "%s", show_key(show, &sorted[i]->key));
    }
}

DWORD show_sublayers(struct show *show)
{
    static const char *const titles[] = {"WEIGHT", "NAME", "KEY", NULL};
    DWORD code = ERROR_SUCCESS;
    show_begin(show, titles);
    if (show->cli->json)
        code = list_sublayers(show->engine, sublayer_json, show);
    else
        sublayer_table(show);
    if (code == ERROR_SUCCESS)
        show_end(show);
    return code;
}

/* ---- callouts ---- */

static bool see_callout(void *ctx, const FWPM_CALLOUT0 *callout)
{
    struct show *show = ctx;
    const char *name = show_text(show, callout->displayData.name);
    const char *layer = describe_layer(show->cli->arena, &callout->applicableLayer);
    bool registered = (callout->flags & FWPM_CALLOUT_FLAG_REGISTERED) != 0;
    if (!show_wants_layer(show, layer))
        return true;
    if (show->cli->json) {
        json_object(&show->json, NULL);
        json_number(&show->json, "id", callout->calloutId);
        json_text(&show->json, "key", show_key(show, &callout->calloutKey));
        json_text(&show->json, "name", name);
        json_text(&show->json, "layer", layer);
        json_bool(&show->json, "registered", registered);
        json_text(&show->json, "provider", show_provider(show, callout->providerKey));
        json_object_end(&show->json);
        return true;
    }
    table_row(show->table);
    table_cell(show->table, "%u", callout->calloutId);
    table_cell(show->table, "%s", name);
    table_cell(show->table, "%s", layer);
    table_cell(show->table, "%s", registered ? "loaded" : "no code");
    table_cell(show->table, "%s", show_key(show, &callout->calloutKey));
    return true;
}

DWORD show_callouts(struct show *show)
{
    static const char *const titles[] = {"ID", "NAME", "LAYER", "CODE", "KEY", NULL};
    show_begin(show, titles);
    DWORD code = list_callouts(show->engine, see_callout, show);
    if (code == ERROR_SUCCESS)
        show_end(show);
    return code;
}

/* ---- providers ---- */

static bool see_provider(void *ctx, const FWPM_PROVIDER0 *provider)
{
    struct show *show = ctx;
    const char *name = show_text(show, provider->displayData.name);
    const char *life = (provider->flags & FWPM_PROVIDER_FLAG_DISABLED) != 0
                           ? "disabled"
                           : life_of((provider->flags & FWPM_PROVIDER_FLAG_PERSISTENT) != 0);
    if (show->cli->json) {
        json_object(&show->json, NULL);
        json_text(&show->json, "key", show_key(show, &provider->providerKey));
        json_text(&show->json, "name", name);
        json_text(&show->json, "description", show_text(show, provider->displayData.description));
        json_text(&show->json, "life", life);
        json_object_end(&show->json);
        return true;
    }
    table_row(show->table);
    table_cell(show->table, "%s", name);
    table_cell(show->table, "%s", life);
    table_cell(show->table, "%s", show_key(show, &provider->providerKey));
    return true;
}

DWORD show_providers(struct show *show)
{
    static const char *const titles[] = {"NAME", "LIFE", "KEY", NULL};
    show_begin(show, titles);
    DWORD code = list_providers(show->engine, see_provider, show);
    if (code == ERROR_SUCCESS)
        show_end(show);
    return code;
}

/* ---- layers ---- */

static const char *support_text(const struct layer_info *layer)
{
    static const char *const words[] = {[LAYER_ENFORCED] = "enforced",
                                        [LAYER_NAMED] = "not yet",
                                        [LAYER_ABSENT] = "not on Linux",
                                        [LAYER_RESERVED] = "reserved"};
    return words[layer->support];
}

static void layer_json(struct show *show, const struct layer_info *layer, const char *word)
{
    json_object(&show->json, NULL);
    json_number(&show->json, "id", layer->id);
    json_text(&show->json, "key", show_key(show, &layer->key));
    json_text(&show->json, "name", layer->name);
    json_text(&show->json, "word", word);
    json_bool(&show->json, "enforced", layer->support == LAYER_ENFORCED);
    json_text(&show->json, "support", support_text(layer));
    json_text(&show->json, "hook", layer->hook);
    json_array(&show->json, "field_names");
    for (uint16_t i = 0; i < layer->field_count; i++)
        json_text(&show->json, NULL, layer->fields[i].name);
    json_array_end(&show->json);
    json_object_end(&show->json);
}

static bool see_layer(void *ctx, const FWPM_LAYER0 *object)
{
    struct show *show = ctx;
    const struct layer_info *layer = layer_by_id(object->layerId);
    const char *word = describe_layer_id(show->cli->arena, object->layerId);
    if (layer == NULL || (!show_wants_layer(show, word) && !show_wants_layer(show, layer->name)))
        return true;
    if (show->cli->json) {
        layer_json(show, layer, word);
        return true;
    }
    if (layer->support != LAYER_ENFORCED && show->layer == NULL && !show->all)
        return true;
    table_row(show->table);
    table_cell(show->table, "%u", layer->id);
    table_cell(show->table, "%s", word);
    table_cell(show->table, "%s", support_text(layer));
    table_cell(show->table, "%s", layer->hook == NULL ? "" : layer->hook);
    return true;
}

DWORD show_layers(struct show *show)
{
    static const char *const titles[] = {"ID", "LAYER", "HERE", "THROUGH", NULL};
    show_begin(show, titles);
    DWORD code = list_layers(show->engine, see_layer, show);
    if (code == ERROR_SUCCESS)
        show_end(show);
    return code;
}

/* ---- sessions ---- */

static bool see_session(void *ctx, const FWPM_SESSION0 *session)
{
    struct show *show = ctx;
    const char *name = show_text(show, session->displayData.name);
    const char *user = show_text(show, session->username);
    bool dynamic = (session->flags & FWPM_SESSION_FLAG_DYNAMIC) != 0;
    if (show->cli->json) {
        json_object(&show->json, NULL);
        json_text(&show->json, "key", show_key(show, &session->sessionKey));
        json_text(&show->json, "name", name);
        json_number(&show->json, "pid", session->processId);
        json_text(&show->json, "user", user);
        json_bool(&show->json, "dynamic", dynamic);
        json_object_end(&show->json);
        return true;
    }
    table_row(show->table);
    table_cell(show->table, "%u", session->processId);
    table_cell(show->table, "%s", user);
    table_cell(show->table, "%s", name);
    table_cell(show->table, "%s", dynamic ? "dynamic" : "");
    return true;
}

DWORD show_sessions(struct show *show)
{
    static const char *const titles[] = {"PID", "USER", "NAME", "KIND", NULL};
    show_begin(show, titles);
    DWORD code = list_sessions(show->engine, see_session, show);
    if (code == ERROR_SUCCESS)
        show_end(show);
    return code;
}
