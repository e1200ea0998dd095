/* wfp show filters: in the order in which they are asked. */
#include "src/wfp/show.h"

#include <stdlib.h>
#include <string.h>

#include "src/model/guid.h"
#include "src/model/layers.h"
#include "src/wfp/arena.h"
#include "src/wfp/list.h"
#include "src/wfp/utf8.h"

#define LONGEST_RULE 240u /* bytes, in the table */

struct line {
    uint32_t layer, sublayer_weight;
    const GUID *sublayer;
    uint64_t weight, id;
    const char *sublayer_name, *layer_name, *life, *rule, *name, *source, *provider, *key;
    struct line *next;
};

struct lines {
    struct show *show;
    struct line *first;
    size_t count;
};

static const char *life_of(UINT32 flags)
{
    if ((flags & FWPM_FILTER_FLAG_DISABLED) != 0)
        return "disabled";
    if ((flags & FWPM_FILTER_FLAG_BOOTTIME) != 0)
        return "boot";
    return (flags & FWPM_FILTER_FLAG_PERSISTENT) != 0 ? "persistent" : "running";
}

static void fill(struct line *line, struct show *show, const FWPM_FILTER0 *filter)
{
    struct describer describer = names_describer(&show->names);
    const struct layer_info *layer = layer_by_key(&filter->layerKey);
    const struct names_entry *sublayer = names_find(show->names.sublayers, &filter->subLayerKey);
    line->layer = layer == NULL ? UINT32_MAX : layer->id;
    line->sublayer_weight = sublayer == NULL ? 0 : sublayer->weight;
    line->sublayer = sublayer == NULL ? NULL : &sublayer->key;
    line->sublayer_name = names_text(show->cli->arena, show->names.sublayers, &filter->subLayerKey);
    line->id = filter->filterId;
    if (filter->effectiveWeight.type == FWP_UINT64)
        line->weight = *filter->effectiveWeight.uint64;
    line->life = life_of(filter->flags);
    line->rule = describe_filter(&describer, filter);
    line->name = show_text(show, filter->displayData.name);
    line->source = show_text(show, filter->displayData.description);
    line->provider = show_provider(show, filter->providerKey);
    line->key = show_key(show, &filter->filterKey);
}

static void filter_json(struct show *show, const struct line *line, const FWPM_FILTER0 *filter)
{
    struct describer describer = names_describer(&show->names);
    struct json *json = &show->json;
    json_object(json, NULL);
    json_number(json, "id", line->id);
    json_text(json, "key", line->key);
    json_text(json, "layer", line->layer_name);
    json_text(json, "sublayer", line->sublayer_name);
    json_number(json, "sublayer_weight", line->sublayer_weight);
    json_number(json, "weight", line->weight);
    json_text(json, "action", describe_action(&describer, filter));
    json_bool(json, "hard", (filter->flags & FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT) != 0);
    if (describe_is_hold(filter))
        describe_hold_json(json, filter);
    json_text(json, "life", line->life);
    json_text(json, "rule", line->rule);
    json_text(json, "name", line->name);
    json_text(json, "source", line->source);
    json_text(json, "provider", line->provider);
    json_array(json, "conditions");
    for (UINT32 i = 0; i < filter->numFilterConditions; i++)
        describe_condition_json(&describer, json, &filter->filterCondition[i]);
    json_array_end(json);
    json_object_end(json);
}

static bool see(void *ctx, const FWPM_FILTER0 *filter)
{
    struct lines *lines = ctx;
    struct show *show = lines->show;
    const char *layer = describe_layer(show->cli->arena, &filter->layerKey);
    if (!show_wants_layer(show, layer))
        return true;
    struct line *line = arena_alloc(show->cli->arena, sizeof(*line));
    line->layer_name = layer;
    fill(line, show, filter);
    if (show->cli->json)
        filter_json(show, line, filter);
    line->next = lines->first;
    lines->first = line;
    lines->count++;
    return true;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* As the engine asks them: heavier first; ties as the model decides them. */
static int compare(const void *left, const void *right)
{
    const struct line *a = *(const struct line *const *)left;
    const struct line *b = *(const struct line *const *)right;
    int result = order(a->layer, b->layer);
    if (result == 0)
        result = order(b->sublayer_weight, a->sublayer_weight);
    if (result == 0 && a->sublayer != NULL && b->sublayer != NULL)
        result = guid_compare(a->sublayer, b->sublayer);
    if (result == 0)
        result = order(b->weight, a->weight);
    return result == 0 ? order(a->id, b->id) : result;
}

/* A rule with a pattern may name a thousand programs; --json has all of them. */
static const char *shortened(struct arena *arena, const char *rule)
{
    size_t cut = 0;
    while (cut < LONGEST_RULE && rule[cut] != '\0') {
        size_t length = utf8_length(rule + cut, strlen(rule + cut));
        cut += length == 0 ? 1 : length;
    }
    return rule[cut] == '\0' ? rule : arena_printf(arena, "%.*s…", (int)cut, rule);
}

static void fill_table(struct lines *lines)
{
    size_t count = 0;
    struct line **sorted =
        arena_alloc(lines->show->cli->arena, (lines->count + 1) * sizeof(struct line *));
    for (struct line *line = lines->first; line != NULL; line = line->next)
        sorted[count++] = line;
    qsort(sorted, count, sizeof(struct line *), compare);
    for (size_t i = 0; i < count; i++) {
        struct table *table = lines->show->table;
        table_row(table);
        table_cell(table, "%llu", (unsigned long long)sorted[i]->id);
        table_cell(table, "%s", sorted[i]->sublayer_name);
        table_cell(table, "%llu", (unsigned long long)sorted[i]->weight);
        table_cell(table, "%s", sorted[i]->life);
        table_cell(table, "%s", sorted[i]->provider);
        table_cell(table, "%s", shortened(lines->show->cli->arena, sorted[i]->rule));
    }
}

DWORD show_filters(struct show *show)
{
    static const char *const titles[] = {"ID",       "SUBLAYER", "WEIGHT", "LIFE",
                                         "PROVIDER", "RULE",     NULL};
    struct lines lines = {.show = show};
    show_begin(show, titles);
    DWORD code = list_filters(show->engine, NULL, see, &lines);
    if (code != ERROR_SUCCESS)
        return code;
    if (!show->cli->json)
        fill_table(&lines);
    show_end(show);
    return code;
}
