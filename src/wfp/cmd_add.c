/*
 * wfp add: one rule, in the policy "manual". It is asked after the rules that were added before,
 * or with --first before all of them, unless it has a weight of its own.
 */
#include <stdio.h>
#include <string.h>

#include "src/model/guid.h"
#include "src/wfp/arena.h"
#include "src/wfp/change.h"
#include "src/wfp/describe.h"
#include "src/wfp/engine.h"
#include "src/wfp/json.h"
#include "src/wfp/list.h"
#include "src/wfp/load.h"
#include "src/wfp/policy/key.h"

#define MANUAL "manual"

struct addition {
    struct policy_objects objects;
    bool first;
    UINT64 *ids;
};

/* The weights in use in a sublayer. */
struct weights {
    GUID sublayer;
    uint64_t least, most;
};

static bool see_weight(void *ctx, const FWPM_FILTER0 *filter)
{
    struct weights *weights = ctx;
    if (!guid_equal(&filter->subLayerKey, &weights->sublayer) ||
        filter->effectiveWeight.type != FWP_UINT64)
        return true;
    uint64_t weight = *filter->effectiveWeight.uint64;
    if (weight < weights->least)
        weights->least = weight;
    if (weight > weights->most)
        weights->most = weight;
    return true;
}

/* Rules without a weight of their own have the compiler's for a first rule. */
static bool has_own_weight(const FWPM_FILTER0 *filter)
{
    return *filter->weight.uint64 != COMPILE_FIRST_WEIGHT - COMPILE_WEIGHT_STEP;
}

static int place(struct change *change, struct addition *addition)
{
    struct weights weights = {.sublayer = addition->objects.sublayers[0].subLayerKey,
                              .least = COMPILE_FIRST_WEIGHT,
                              .most = COMPILE_FIRST_WEIGHT - COMPILE_WEIGHT_STEP};
    DWORD code =
        list_filters(change->engine, &addition->objects.provider.providerKey, see_weight, &weights);
    if (code != ERROR_SUCCESS)
        return engine_fail(change->cli, code, "can't list what is there");
    uint64_t weight =
        addition->first ? weights.most + COMPILE_WEIGHT_STEP : weights.least - COMPILE_WEIGHT_STEP;
    for (size_t i = 0; i < addition->objects.filter_count; i++) {
        FWPM_FILTER0 *filter = &addition->objects.filters[i];
        if (!has_own_weight(filter))
            *filter->weight.uint64 = weight;
        filter->filterKey = key_of_filter(filter);
    }
    return EXIT_DONE;
}

static int add(struct change *change, const void *what)
{
    struct addition *addition = (struct addition *)(uintptr_t)what;
    struct policy_objects *objects = &addition->objects;
    int result = change_need_provider(change, &objects->provider);
    if (result == EXIT_DONE)
        result = change_need_sublayer(change, &objects->sublayers[0]);
    if (result == EXIT_DONE)
        result = place(change, addition);
    if (result != EXIT_DONE)
        return result;
    addition->ids = arena_alloc(change->cli->arena, (objects->filter_count + 1) * sizeof(UINT64));
    return change_add_filters(change, objects->filters, objects->filter_count, addition->ids);
}

static void say_added(const struct cli *cli, const struct addition *addition)
{
    struct describer describer = describer_host;
    struct json json = {stdout, false};
    describer.arena = cli->arena;
    if (cli->json) {
        json_object(&json, NULL);
        json_bool(&json, "ok", true);
        json_array(&json, "filters");
    }
    for (size_t i = 0; i < addition->objects.filter_count; i++) {
        const char *rule = describe_filter(&describer, &addition->objects.filters[i]);
        if (cli->json) {
            json_object(&json, NULL);
            json_number(&json, "id", addition->ids[i]);
            json_text(&json, "rule", rule);
            json_object_end(&json);
        } else {
            printf("%llu  %s\n", (unsigned long long)addition->ids[i], rule);
        }
    }
    if (cli->json) {
        json_array_end(&json);
        json_object_end(&json);
        json_end(&json);
    }
}

/* The arguments as one line of policy. Words that hold blanks were quoted for the shell. */
static const char *rule_text(const struct cli *cli, const char *sublayer)
{
    const char *text = arena_printf(cli->arena, "sublayer \"%s\"\n", sublayer);
    for (int i = 0; i < cli->argc; i++) {
        const char *word = cli->argv[i];
        bool quote = cli->argc > 1 && strpbrk(word, " \t") != NULL && strchr(word, '{') == NULL;
        text = arena_printf(cli->arena, quote ? "%s%s\"%s\"" : "%s%s%s", text, i == 0 ? "" : " ",
                            word);
    }
    return text;
}

static int read_rule(struct cli *cli, HANDLE *engine, const char *sublayer,
                     const struct compile_options *options, struct addition *addition)
{
    struct environment environment = load_environment(engine);
    const char *text = rule_text(cli, sublayer);
    struct source source = {MANUAL, text, strlen(text), NULL};
    struct report report;
    report_init(&report, cli->arena);
    bool good =
        policy_read(cli->arena, &environment, &source, options, &report, &addition->objects);
    load_report(cli, &report, "the rule");
    if (!good)
        return EXIT_POLICY;
    if (addition->objects.rules != 1 || addition->objects.sublayer_count != 1)
        return cli_usage(cli, "that is not one rule");
    return EXIT_DONE;
}

int command_add(struct cli *cli)
{
    struct addition addition = {.first = cli_flag(cli, "--first")};
    struct compile_options options = {.persistent = cli_flag(cli, "--persistent")};
    const char *sublayer = cli_option(cli, "--sublayer");
    struct change change = {.cli = cli};
    if (!cli_arguments(cli, 1, -1))
        return EXIT_USAGE;
    int result = engine_open(cli, 0, &change.engine);
    if (result != EXIT_DONE)
        return result;
    result =
        read_rule(cli, &change.engine, sublayer == NULL ? MANUAL : sublayer, &options, &addition);
    if (result == EXIT_DONE)
        result = change_run(&change, add, &addition);
    FwpmEngineClose0(change.engine);
    if (result == EXIT_DONE)
        say_added(cli, &addition);
    return result;
}
