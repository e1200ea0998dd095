/* wfp show classifier: how large the compiled policy is, what a lookup costs at most. */
#include "src/wfp/show.h"

#include <openwfp.h>

#include "src/wfp/arena.h"
#include "src/wfp/describe.h"

#define NONE       "-"
#define LONG_LIST  500u                    /* filters compared one by one: worth a word */
#define LONG_BUILD (60ull * 1000000000ull) /* ns */

/* ---- pieces ---- */

static const char *size_text(const struct show *show, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB"};
    double size = (double)bytes / 1024;
    unsigned unit = 0;
    if (bytes < 1024)
        return arena_printf(show->cli->arena, "%u B", (unsigned)bytes);
    for (; size >= 1024 && unit < 2; unit++)
        size /= 1024;
    return arena_printf(show->cli->arena, "%.1f %s", size, units[unit]);
}

static const char *time_text(const struct show *show, uint64_t ns)
{
    if (ns < 1000000)
        return arena_printf(show->cli->arena, "%.0f µs", (double)ns / 1e3);
    if (ns < 1000000000)
        return arena_printf(show->cli->arena, "%.1f ms", (double)ns / 1e6);
    return arena_printf(show->cli->arena, "%.1f s", (double)ns / 1e9);
}

/* Filters of the main trees, and what these take. */
struct base {
    uint64_t filters, bytes;
};

static uint64_t per_filter(struct base base)
{
    return base.filters == 0 ? 0 : (base.bytes + base.filters / 2) / base.filters;
}

static struct base layer_base(const OPENWFP_CLASSIFIER_LAYER *layer)
{
    uint64_t added = layer->overlay < layer->filters ? layer->overlay : layer->filters;
    return (struct base){layer->filters - added, layer->recordBytes + layer->treeBytes};
}

static struct base all_base(const OPENWFP_CLASSIFIER *classifier)
{
    struct base all = {0, 0};
    for (UINT32 i = 0; i < classifier->numLayers; i++) {
        struct base base = layer_base(&classifier->layers[i]);
        all.filters += base.filters;
        all.bytes += base.bytes;
    }
    return all;
}

static uint64_t all_filters(const OPENWFP_CLASSIFIER *classifier)
{
    uint64_t all = 0;
    for (UINT32 i = 0; i < classifier->numLayers; i++)
        all += classifier->layers[i].filters;
    return all;
}

static const char *bytes_text(const struct show *show, struct base base)
{
    return base.filters == 0
               ? NONE
               : arena_printf(show->cli->arena, "%llu", (unsigned long long)per_filter(base));
}

static const char *layer_word(const struct show *show, const OPENWFP_CLASSIFIER_LAYER *layer)
{
    return describe_layer_id(show->cli->arena, layer->layerId);
}

/* ---- what is not as it should be ---- */

static void each_problem(const struct show *show, const OPENWFP_CLASSIFIER *classifier,
                         void (*tell)(void *ctx, const char *text), void *ctx)
{
    struct arena *arena = show->cli->arena;
    if (classifier->rebuild == OPENWFP_REBUILD_PENDING)
        tell(ctx, "the policy should be made anew in the background, but that can't begin: bfe's "
                  "log says why");
    if (classifier->rebuild == OPENWFP_REBUILD_RUNNING && classifier->rebuildTime > LONG_BUILD)
        tell(ctx, "the policy is being made anew for more than a minute: is the machine busy?");
    for (UINT32 i = 0; i < classifier->numLayers; i++) {
        const OPENWFP_CLASSIFIER_LAYER *layer = &classifier->layers[i];
        if (layer->longest > LONG_LIST)
            tell(ctx, arena_printf(arena,
                                   "%s: an operation may be compared with %u filters one by one, "
                                   "so many overlap in all that could tell them apart",
                                   layer_word(show, layer), layer->longest));
    }
}

/* ---- for programs ---- */

static void layer_json(struct show *show, const OPENWFP_CLASSIFIER_LAYER *layer)
{
    struct json *json = &show->json;
    json_object(json, NULL);
    json_text(json, "layer", layer_word(show, layer));
    json_number(json, "id", layer->layerId);
    json_number(json, "filters", layer->filters);
    json_number(json, "overlay", layer->overlay);
    json_number(json, "records", layer->records);
    json_number(json, "trees", layer->trees);
    json_number(json, "depth", layer->depth);
    json_number(json, "longest", layer->longest);
    json_number(json, "worst", layer->worst);
    json_number(json, "record_bytes", layer->recordBytes);
    json_number(json, "tree_bytes", layer->treeBytes);
    json_number(json, "bytes_per_filter", per_filter(layer_base(layer)));
    json_object_end(json);
}

static void problem_json(void *ctx, const char *text)
{
    json_text(ctx, NULL, text);
}

static void layers_json(struct show *show, const OPENWFP_CLASSIFIER *classifier)
{
    json_array(&show->json, "layers");
    for (UINT32 i = 0; i < classifier->numLayers; i++) {
        if (show_wants_layer(show, layer_word(show, &classifier->layers[i])))
            layer_json(show, &classifier->layers[i]);
    }
    json_array_end(&show->json);
}

static void print_json(struct show *show, const OPENWFP_CLASSIFIER *classifier)
{
    static const char *const rebuilds[] = {"none", "pending", "running"};
    struct json *json = &show->json;
    json_object(json, NULL);
    json_number(json, "generation", classifier->generation);
    json_number(json, "filters", all_filters(classifier));
    json_number(json, "size", classifier->size);
    json_number(json, "bytes_per_filter", per_filter(all_base(classifier)));
    json_number(json, "reserve", classifier->reserve);
    json_number(json, "reserve_used", classifier->reserveUsed);
    json_number(json, "build_ns", classifier->buildTime);
    json_number(json, "image_changes", classifier->imageChanges);
    json_number(json, "overlay", classifier->overlay);
    json_number(json, "deleted", classifier->deleted);
    json_text(json, "rebuild", rebuilds[classifier->rebuild]);
    json_number(json, "rebuild_ns", classifier->rebuildTime);
    json_number(json, "changes", classifier->changes);
    json_number(json, "images", classifier->images);
    json_number(json, "rebuilds", classifier->rebuilds);
    layers_json(show, classifier);
    json_array(json, "problems");
    each_problem(show, classifier, problem_json, json);
    json_array_end(json);
    json_object_end(json);
    json_end(json);
}

/* ---- for people ---- */

static const char *rebuild_text(const struct show *show, const OPENWFP_CLASSIFIER *classifier)
{
    const char *time = time_text(show, classifier->rebuildTime);
    if (classifier->rebuild == OPENWFP_REBUILD_RUNNING)
        return arena_printf(show->cli->arena, "folding the changes in, for %s so far", time);
    if (classifier->rebuild == OPENWFP_REBUILD_PENDING)
        return arena_printf(show->cli->arena, "waiting to fold the changes in, for %s", time);
    if (classifier->rebuildTime == 0)
        return "nothing to do";
    return arena_printf(show->cli->arena, "nothing to do; the last time took %s", time);
}

static void print_changes(const OPENWFP_CLASSIFIER *classifier)
{
    if (classifier->imageChanges == 0)
        puts("changes     none since it was compiled");
    else
        printf("changes     commits in place: %llu; filters added: %u, deleted: %u\n",
               (unsigned long long)classifier->imageChanges, classifier->overlay,
               classifier->deleted);
}

static void print_whole(const struct show *show, const OPENWFP_CLASSIFIER *classifier)
{
    printf("policy      %llu filters, bytes a filter: %s; trees built in %s; generation %llu\n",
           (unsigned long long)all_filters(classifier), bytes_text(show, all_base(classifier)),
           time_text(show, classifier->buildTime), (unsigned long long)classifier->generation);
    printf("memory      %s; a reserve of %s for changes, %s of it used\n",
           size_text(show, classifier->size), size_text(show, classifier->reserve),
           size_text(show, classifier->reserveUsed));
    print_changes(classifier);
    printf("background  %s\n", rebuild_text(show, classifier));
    printf("since start commits in place: %llu, of a whole policy: %llu; times folded in: %llu\n\n",
           (unsigned long long)classifier->changes, (unsigned long long)classifier->images,
           (unsigned long long)classifier->rebuilds);
}

static void layer_row(struct show *show, const OPENWFP_CLASSIFIER_LAYER *layer)
{
    struct table *table = show->table;
    table_row(table);
    table_cell(table, "%s", layer_word(show, layer));
    table_cell(table, "%u", layer->filters);
    table_cell(table, "%u", layer->overlay);
    table_cell(table, "%u", layer->records);
    table_cell(table, "%u", layer->trees);
    table_cell(table, "%u", layer->depth);
    table_cell(table, "%u", layer->longest);
    table_cell(table, "%u", layer->worst);
    table_cell(table, "%s", size_text(show, layer->recordBytes));
    table_cell(table, "%s", size_text(show, layer->treeBytes));
    table_cell(table, "%s", bytes_text(show, layer_base(layer)));
}

static void print_problem(void *ctx, const char *text)
{
    unsigned *count = ctx;
    (*count)++;
    printf("attention: %s\n", text);
}

static void print_text(struct show *show, const OPENWFP_CLASSIFIER *classifier)
{
    static const char *const titles[] = {"LAYER",      "FILTERS",  "ADDED",        "RECORDS",
                                         "TREES",      "DEPTH",    "LONGEST",      "WORST",
                                         "RECORD MEM", "TREE MEM", "BYTES/FILTER", NULL};
    unsigned problems = 0;
    print_whole(show, classifier);
    show->table = table_new(show->cli->arena, titles);
    for (UINT32 i = 0; i < classifier->numLayers; i++) {
        if (show_wants_layer(show, layer_word(show, &classifier->layers[i])))
            layer_row(show, &classifier->layers[i]);
    }
    table_print(show->table, stdout, show->cli->colour);
    puts(
        "\nA lookup passes DEPTH nodes and compares LONGEST records at most: WORST steps. Filters\n"
        "ADDED since have a tree of their own, until they are folded in.");
    each_problem(show, classifier, print_problem, &problems);
    if (problems == 0)
        puts("All is well.");
}

DWORD show_classifier(struct show *show)
{
    OPENWFP_CLASSIFIER *classifier = NULL;
    DWORD code = OpenWfpClassifierGet(show->engine, &classifier);
    if (code != ERROR_SUCCESS)
        return code;
    if (show->cli->json)
        print_json(show, classifier);
    else
        print_text(show, classifier);
    FwpmFreeMemory0((void **)&classifier);
    return ERROR_SUCCESS;
}
