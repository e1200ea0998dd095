/* wfp show */
#include "src/wfp/show.h"

#include <string.h>

#include "src/model/guid.h"
#include "src/wfp/arena.h"
#include "src/wfp/engine.h"
#include "src/wfp/layer_option.h"
#include "src/wfp/policy/words.h"

static const struct {
    const char *name;
    DWORD (*show)(struct show *show);
} kinds[] = {{"filters", show_filters},       {"sublayers", show_sublayers},
             {"callouts", show_callouts},     {"providers", show_providers},
             {"layers", show_layers},         {"sessions", show_sessions},
             {"flows", show_flows},           {"events", show_events},
             {"classifier", show_classifier}, {"hold", show_hold}};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void show_begin(struct show *show, const char *const *titles)
{
    if (show->cli->json)
        json_array(&show->json, NULL);
    else
        show->table = table_new(show->cli->arena, titles);
}

void show_end(struct show *show)
{
    if (!show->cli->json) {
        table_print(show->table, stdout, show->cli->colour);
        return;
    }
    json_array_end(&show->json);
    json_end(&show->json);
}

bool show_wants_layer(const struct show *show, const char *layer)
{
    return layer_is_wanted(show->layer, layer);
}

const char *show_key(const struct show *show, const GUID *key)
{
    char text[GUID_TEXT_SIZE];
    return arena_strdup(show->cli->arena, guid_format(key, text));
}

const char *show_text(const struct show *show, const WCHAR *text)
{
    return arena_narrow(show->cli->arena, text);
}

const char *show_provider(const struct show *show, const GUID *key)
{
    return key == NULL ? "" : names_text(show->cli->arena, show->names.providers, key);
}

static int unknown_kind(const struct cli *cli)
{
    struct word words[KINDS + 1] = {{NULL, 0}};
    for (size_t i = 0; i < KINDS; i++)
        words[i].text = kinds[i].name;
    const char *hint = word_hint(cli->arena, words, cli->argv[0]);
    return cli_usage(cli, "can't show \"%s\"%s%s", cli->argv[0], hint == NULL ? "" : ": ",
                     hint == NULL ? "" : hint);
}

static DWORD run(struct show *show, DWORD (*kind)(struct show *show))
{
    DWORD code = names_read(&show->names, show->cli->arena, show->engine);
    return code == ERROR_SUCCESS ? kind(show) : code;
}

int command_show(struct cli *cli)
{
    struct show show = {.cli = cli, .all = cli_flag(cli, "--all"), .json = {stdout, false}};
    size_t kind = 0;
    if (!layer_option(cli, &show.layer) || !cli_arguments(cli, 1, 1))
        return EXIT_USAGE;
    while (kind < KINDS && strcmp(kinds[kind].name, cli->argv[0]) != 0)
        kind++;
    if (kind == KINDS)
        return unknown_kind(cli);
    int result = engine_open(cli, 0, &show.engine);
    if (result != EXIT_DONE)
        return result;
    DWORD code = run(&show, kinds[kind].show);
    if (code != ERROR_SUCCESS)
        result =
            engine_fail(cli, code, arena_printf(cli->arena, "can't show the %s", kinds[kind].name));
    FwpmEngineClose0(show.engine);
    return result;
}
