/*
 * wfp callout: BPF callouts in the kernel. A callout has one key per layer (semantics 7.3), so
 * "load NAME OBJECT connect" makes two objects, connect-v4 and connect-v6, with the same code.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/model/guid.h"
#include "src/model/layers.h"
#include "src/wfp/arena.h"
#include "src/wfp/cli.h"
#include "src/wfp/describe.h"
#include "src/wfp/engine.h"
#include "src/wfp/event.h"
#include "src/wfp/json.h"
#include "src/wfp/names.h"
#include "src/wfp/policy/conditions.h"
#include "src/wfp/policy/key.h"
#include "src/wfp/policy/layer_facts.h"
#include "src/wfp/policy/words.h"
#include "src/wfp/table.h"

struct loading {
    struct cli *cli;
    HANDLE engine;
    const char *name;
    const char *object; /* absolute path */
    bool persistent;
    GUID added[RULE_LAYERS * FAMILIES]; /* callouts that this run made */
    size_t count;
};

/* ---- load ---- */

static FWPM_CALLOUT0 callout_of(const struct loading *loading, const struct layer_info *layer)
{
    struct arena *arena = loading->cli->arena;
    FWPM_CALLOUT0 callout = {.applicableLayer = layer->key,
                             .flags = loading->persistent ? FWPM_CALLOUT_FLAG_PERSISTENT : 0};
    callout.calloutKey = key_of_callout(arena_printf(arena, "%s/%s", loading->name, layer->name));
    callout.displayData.name = arena_wide(arena, loading->name);
    callout.displayData.description = arena_wide(arena, loading->object);
    return callout;
}

static int load_one(struct loading *loading, uint16_t layer_id)
{
    FWPM_CALLOUT0 callout = callout_of(loading, layer_by_id(layer_id));
    UINT32 id = 0;
    DWORD code = FwpmCalloutAdd0(loading->engine, &callout, NULL, &id);
    if (code != ERROR_SUCCESS && code != FWP_E_ALREADY_EXISTS)
        return engine_fail(loading->cli, code, "can't add the callout");
    if (code == ERROR_SUCCESS)
        loading->added[loading->count++] = callout.calloutKey;
    code = OpenWfpCalloutLoad(loading->engine, &callout.calloutKey, loading->object, &id);
    if (code != ERROR_SUCCESS)
        return engine_fail(loading->cli, code, "can't load the callout's code");
    if (!loading->cli->json)
        printf("%s is callout %u at %s\n", loading->name, id,
               describe_layer_id(loading->cli->arena, layer_id));
    return EXIT_DONE;
}

static int load_at(struct loading *loading, const struct layer_facts *layer)
{
    int result = load_one(loading, layer->ids[FAMILY_V4]);
    return result == EXIT_DONE ? load_one(loading, layer->ids[FAMILY_V6]) : result;
}

/* A callout that can't be loaded everywhere is loaded nowhere; one that was there stays. */
static void undo(const struct loading *loading)
{
    for (size_t i = 0; i < loading->count; i++) {
        OpenWfpCalloutUnload(loading->engine, &loading->added[i]);
        FwpmCalloutDeleteByKey0(loading->engine, &loading->added[i]);
    }
}

/* The layers' words, each once: else it has said which isn't one. */
static bool read_layers(const struct cli *cli, bool wanted[RULE_LAYERS])
{
    for (int i = 3; i < cli->argc; i++) {
        int layer = word_find(words_layers, cli->argv[i]);
        if (layer < 0) {
            cli_usage(cli, "\"%s\" is not a layer: %s", cli->argv[i],
                      word_list(cli->arena, words_layers));
            return false;
        }
        wanted[layer] = true;
    }
    return true;
}

static int load(struct cli *cli, HANDLE engine, bool persistent)
{
    struct loading loading = {
        .cli = cli, .engine = engine, .name = cli->argv[1], .persistent = persistent};
    bool wanted[RULE_LAYERS] = {false};
    char path[PATH_MAX];
    int result = EXIT_DONE;
    if (!read_layers(cli, wanted))
        return EXIT_USAGE;
    if (realpath(cli->argv[2], path) == NULL)
        return cli_fail(cli, "%s: no such object file", cli->argv[2]);
    loading.object = path;
    for (int layer = 0; layer < RULE_LAYERS && result == EXIT_DONE; layer++) {
        if (wanted[layer])
            result = load_at(&loading, layer_facts((enum rule_layer)layer));
    }
    if (result != EXIT_DONE)
        undo(&loading);
    return result;
}

/* ---- unload ---- */

/* The object goes too, unless filters still name it: they then act as without code. */
static int unload_one(struct cli *cli, HANDLE engine, const struct names_entry *callout,
                      bool *named)
{
    DWORD code = OpenWfpCalloutUnload(engine, &callout->key);
    if (code != ERROR_SUCCESS && code != FWP_E_CALLOUT_NOT_FOUND)
        return engine_fail(cli, code, "can't unload the callout");
    code = FwpmCalloutDeleteByKey0(engine, &callout->key);
    if (code == FWP_E_IN_USE) {
        *named = true;
        return EXIT_DONE;
    }
    return code == ERROR_SUCCESS ? EXIT_DONE : engine_fail(cli, code, "can't delete the callout");
}

static int unload(struct cli *cli, HANDLE engine, bool persistent)
{
    struct object_names names;
    size_t found = 0;
    bool named = false;
    DWORD code = names_read(&names, cli->arena, engine);
    if (code != ERROR_SUCCESS)
        return engine_fail(cli, code, "can't list the callouts");
    for (const struct names_entry *e = names.callouts; e != NULL; e = e->next) {
        if (strcmp(e->name, cli->argv[1]) != 0)
            continue;
        int result = unload_one(cli, engine, e, &named);
        if (result != EXIT_DONE)
            return result;
        found++;
    }
    if (named)
        cli_fail(cli, "note: filters still name %s: they block, or permit if they say so",
                 cli->argv[1]);
    return found > 0 ? EXIT_DONE : cli_fail(cli, "there is no callout \"%s\"", cli->argv[1]);
}

/* ---- list ---- */

static void list_row(struct cli *cli, struct json *json, struct table *table,
                     const OPENWFP_LOADED_CALLOUT *callout)
{
    char key[GUID_TEXT_SIZE];
    const char *time = filetime_text(cli->arena, callout->loadTime);
    guid_format(&callout->calloutKey, key);
    if (cli->json) {
        json_object(json, NULL);
        json_number(json, "id", callout->calloutId);
        json_number(json, "slot", callout->slot);
        json_text(json, "object", callout->name);
        json_number(json, "size", callout->objectSize);
        json_text(json, "loaded", time);
        json_text(json, "key", key);
        json_object_end(json);
        return;
    }
    table_row(table);
    table_cell(table, "%u", callout->calloutId);
    table_cell(table, "%u", callout->slot);
    table_cell(table, "%s", callout->name);
    table_cell(table, "%s", time);
    table_cell(table, "%s", key);
}

static int list(struct cli *cli, HANDLE engine, bool persistent)
{
    static const char *const titles[] = {"ID", "SLOT", "OBJECT", "LOADED", "KEY", NULL};
    struct json json = {stdout, false};
    struct table *table = table_new(cli->arena, titles);
    OPENWFP_LOADED_CALLOUT **entries = NULL;
    UINT32 count = 0;
    DWORD code = OpenWfpCalloutList(engine, &entries, &count);
    if (code != ERROR_SUCCESS)
        return engine_fail(cli, code, "can't list the loaded callouts");
    if (cli->json)
        json_array(&json, NULL);
    for (UINT32 i = 0; i < count; i++)
        list_row(cli, &json, table, entries[i]);
    FwpmFreeMemory0((void **)&entries);
    if (cli->json) {
        json_array_end(&json);
        json_end(&json);
    } else {
        table_print(table, stdout, cli->colour);
    }
    return EXIT_DONE;
}

int command_callout(struct cli *cli)
{
    static const struct {
        const char *name;
        int least, most;
        int (*run)(struct cli *cli, HANDLE engine, bool persistent);
    } actions[] = {{"load", 4, -1, load}, {"unload", 2, 2, unload}, {"list", 1, 1, list}};
    bool loads = cli->argc > 0 && strcmp(cli->argv[0], "load") == 0;
    bool persistent = loads && cli_flag(cli, "--persistent");
    HANDLE engine;
    if (!cli_arguments(cli, 1, -1))
        return EXIT_USAGE;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(cli->argv[0], actions[i].name) != 0)
            continue;
        if (!cli_arguments(cli, actions[i].least, actions[i].most))
            return EXIT_USAGE;
        int result = engine_open(cli, 0, &engine);
        if (result != EXIT_DONE)
            return result;
        result = actions[i].run(cli, engine, persistent);
        FwpmEngineClose0(engine);
        return result;
    }
    return cli_usage(cli, "callout load, unload or list, not %s", cli->argv[0]);
}
