/* wfp apply, wfp check */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "src/wfp/change.h"
#include "src/wfp/engine.h"
#include "src/wfp/json.h"
#include "src/wfp/load.h"
#include "src/wfp/summary.h"
#include "src/wfp/utf8.h"

static int apply_objects(struct change *change, const void *objects)
{
    return change_apply(change, objects);
}

static void say_applied(const struct cli *cli, const struct change *change,
                        const struct policy_objects *objects)
{
    struct json json = {stdout, false};
    if (!cli->json) {
        print_clean(stdout, objects->name);
        printf(": in force: %zu filter%s (%zu new, %zu kept, %zu deleted)\n", objects->filter_count,
               plural(objects->filter_count), change->added, change->kept, change->deleted);
        return;
    }
    json_object(&json, NULL);
    json_bool(&json, "ok", true);
    json_text(&json, "policy", objects->name);
    json_number(&json, "rules", objects->rules);
    json_number(&json, "filters", objects->filter_count);
    json_number(&json, "sublayers", objects->sublayer_count);
    json_number(&json, "added", change->added);
    json_number(&json, "kept", change->kept);
    json_number(&json, "deleted", change->deleted);
    json_object_end(&json);
    json_end(&json);
}

/* The dynamic session lives until somebody ends it; with it goes the policy. */
static void hold_session(const struct cli *cli, const sigset_t *signals)
{
    int number;
    if (!cli->json)
        puts("in force until you press Ctrl-C");
    fflush(stdout);
    sigwait(signals, &number);
}

static int apply_in_session(struct cli *cli, HANDLE engine, const char *path,
                            const struct compile_options *options)
{
    struct change change = {.cli = cli, .engine = engine};
    struct environment environment = load_environment(&engine);
    struct policy_objects objects;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    int result = load_policy(cli, &environment, path, options, &objects);
    if (result != EXIT_DONE)
        return result;
    if (options->dynamic && objects.boot_rules > 0)
        cli_fail(cli, "note: %zu boot rules are left out: a dynamic session holds none",
                 objects.boot_rules);
    result = change_run(&change, apply_objects, &objects);
    if (result != EXIT_DONE)
        return result;
    say_applied(cli, &change, &objects);
    if (options->dynamic)
        hold_session(cli, &signals);
    return EXIT_DONE;
}

/* The library's threads inherit the mask, so only sigwait sees the signals. */
static void block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

int command_apply(struct cli *cli)
{
    struct compile_options options = {.persistent = cli_flag(cli, "--persistent"),
                                      .dynamic = cli_flag(cli, "--dynamic")};
    HANDLE engine;
    if (!cli_arguments(cli, 1, 1))
        return EXIT_USAGE;
    if (options.persistent && options.dynamic)
        return cli_usage(cli, "a policy is persistent or dynamic, not both");
    if (options.dynamic)
        block_signals();
    int result = engine_open(cli, options.dynamic ? FWPM_SESSION_FLAG_DYNAMIC : 0, &engine);
    if (result != EXIT_DONE)
        return result;
    result = apply_in_session(cli, engine, cli->argv[0], &options);
    FwpmEngineClose0(engine);
    return result;
}

static void say_checked(const struct cli *cli, const struct policy_objects *objects, bool explain)
{
    struct describer describer = describer_host;
    struct json json = {stdout, false};
    describer.arena = cli->arena;
    if (cli->json) {
        json_object(&json, NULL);
        json_bool(&json, "ok", true);
        summary_json(&describer, objects, &json);
        json_object_end(&json);
        json_end(&json);
    } else if (explain) {
        summary_print(&describer, objects, stdout);
    } else {
        print_clean(stdout, objects->name);
        printf(": good: %zu rule%s, %zu sublayer%s, %zu filter%s\n", objects->rules,
               plural(objects->rules), objects->sublayer_count, plural(objects->sublayer_count),
               objects->filter_count, plural(objects->filter_count));
    }
}

int command_check(struct cli *cli)
{
    bool explain = cli_flag(cli, "--explain");
    struct environment environment = load_environment(NULL);
    struct compile_options options = {0};
    struct policy_objects objects;
    if (!cli_arguments(cli, 1, 1))
        return EXIT_USAGE;
    int result = load_policy(cli, &environment, cli->argv[0], &options, &objects);
    if (result == EXIT_DONE)
        say_checked(cli, &objects, explain);
    return result;
}
