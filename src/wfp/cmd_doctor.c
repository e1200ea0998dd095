/* wfp doctor: what can be enforced here. Asks bfe; without bfe it tries the hooks itself. */
#include <stdio.h>
#include <string.h>

#include <openwfp.h>

#include "src/shims/bpf/shim.h"
#include "src/wfp/arena.h"
#include "src/wfp/cli.h"
#include "src/wfp/engine.h"
#include "src/wfp/event.h"
#include "src/wfp/json.h"
#include "src/wfp/table.h"

/* What both sources say. */
struct findings {
    bool usable;
    const char *summary;
    const OPENWFP_HOOK_REPORT *hooks;
    UINT32 hook_count;
    const char *const *gaps;             /* ends with NULL */
    const OPENWFP_ENGINE_REPORT *engine; /* NULL: bfe is not running */
};

static void print_hooks(const struct cli *cli, const struct findings *findings)
{
    static const char *const titles[] = {"HOOK", "WORKS", "SERVES", "WHY NOT", NULL};
    struct table *table = table_new(cli->arena, titles);
    for (UINT32 i = 0; i < findings->hook_count; i++) {
        const OPENWFP_HOOK_REPORT *hook = &findings->hooks[i];
        table_row(table);
        table_cell(table, "%s", hook->name);
        table_cell(table, "%s", hook->works ? "yes" : hook->required ? "NO" : "no (optional)");
        table_cell(table, "%s", hook->serves);
        table_cell(table, "%s", hook->works || hook->reason == NULL ? "" : hook->reason);
    }
    table_print(table, stdout, cli->colour);
}

static void print_engine(const struct cli *cli, const OPENWFP_ENGINE_REPORT *engine)
{
    if (engine == NULL) {
        puts("bfe      is not running: nothing new is decided; what was pinned goes on");
        return;
    }
    printf("bfe      %s, since %s, %s\n", engine->version,
           filetime_text(cli->arena, engine->startTime),
           engine->enforcing ? "enforcing" : "NOT enforcing (it runs without kernel programs)");
    printf("kernel   %s\nscope    %s\npins     %s%s\n", engine->kernel, engine->scope,
           engine->pinDir, engine->adopted ? " (taken over from an earlier bfe)" : "");
    if (engine->standIn[0] != '\0')
        printf("policy   NOT in force: its store is damaged; until `wfp apply`, in its place: %s\n",
               engine->standIn);
    printf("objects  filters: %llu, sublayers: %llu, callouts: %llu, sessions: %llu\n",
           (unsigned long long)engine->filters, (unsigned long long)engine->subLayers,
           (unsigned long long)engine->callouts, (unsigned long long)engine->sessions);
    printf("events   %llu, of them lost %llu\n", (unsigned long long)engine->events,
           (unsigned long long)engine->eventsLost);
}

static void print_findings(const struct cli *cli, const struct findings *findings)
{
    print_engine(cli, findings->engine);
    printf("summary  %s\n\n", findings->summary);
    print_hooks(cli, findings);
    puts("\nNot covered:");
    for (const char *const *gap = findings->gaps; *gap != NULL; gap++)
        printf("  - %s\n", *gap);
}

static void engine_json(const struct cli *cli, struct json *json,
                        const OPENWFP_ENGINE_REPORT *engine)
{
    json_object(json, "engine");
    json_text(json, "version", engine->version);
    json_text(json, "kernel", engine->kernel);
    json_text(json, "scope", engine->scope);
    json_text(json, "pins", engine->pinDir);
    json_text(json, "since", filetime_text(cli->arena, engine->startTime));
    json_bool(json, "enforcing", engine->enforcing);
    json_bool(json, "adopted", engine->adopted);
    json_text(json, "stand_in", engine->standIn);
    json_number(json, "filters", engine->filters);
    json_number(json, "sublayers", engine->subLayers);
    json_number(json, "callouts", engine->callouts);
    json_number(json, "sessions", engine->sessions);
    json_number(json, "events", engine->events);
    json_number(json, "events_lost", engine->eventsLost);
    json_number(json, "commits", engine->commits);
    json_object_end(json);
}

static void hook_json(struct json *json, const OPENWFP_HOOK_REPORT *hook)
{
    json_object(json, NULL);
    json_text(json, "name", hook->name);
    json_text(json, "serves", hook->serves);
    json_bool(json, "required", hook->required);
    json_bool(json, "works", hook->works);
    json_number(json, "errno", hook->error);
    json_text(json, "reason", hook->reason);
    json_object_end(json);
}

static void findings_json(const struct cli *cli, const struct findings *findings)
{
    struct json json = {stdout, false};
    json_object(&json, NULL);
    json_bool(&json, "running", findings->engine != NULL);
    json_bool(&json, "usable", findings->usable);
    json_text(&json, "summary", findings->summary);
    if (findings->engine != NULL)
        engine_json(cli, &json, findings->engine);
    json_array(&json, "hooks");
    for (UINT32 i = 0; i < findings->hook_count; i++)
        hook_json(&json, &findings->hooks[i]);
    json_array_end(&json);
    json_array(&json, "gaps");
    for (const char *const *gap = findings->gaps; *gap != NULL; gap++)
        json_text(&json, NULL, *gap);
    json_array_end(&json);
    json_object_end(&json);
    json_end(&json);
}

static int say(const struct cli *cli, const struct findings *findings)
{
    if (cli->json)
        findings_json(cli, findings);
    else
        print_findings(cli, findings);
    return findings->usable ? EXIT_DONE : EXIT_FAILED;
}

static int say_engine(const struct cli *cli, HANDLE engine)
{
    OPENWFP_ENGINE_REPORT *report = NULL;
    DWORD code = OpenWfpEngineReport(engine, &report);
    if (code != ERROR_SUCCESS)
        return engine_fail(cli, code, "can't ask bfe");
    const char **gaps = arena_alloc(cli->arena, (report->numGaps + 1) * sizeof(char *));
    for (UINT32 i = 0; i < report->numGaps; i++)
        gaps[i] = report->gaps[i];
    struct findings findings = {report->usable, report->summary, report->hooks, report->numHooks,
                                gaps,           report};
    int result = say(cli, &findings);
    FwpmFreeMemory0((void **)&report);
    return result;
}

static int say_probe(const struct cli *cli)
{
    OPENWFP_HOOK_REPORT hooks[SHIM_HOOKS];
    struct shim_report report;
    if (shim_probe(&report) < 0)
        return cli_fail(cli, "can't try the kernel's hooks: %s", report.summary);
    for (int i = 0; i < SHIM_HOOKS; i++) {
        struct shim_probe *probe = &report.hooks[i];
        hooks[i] = (OPENWFP_HOOK_REPORT){.name = arena_strdup(cli->arena, probe->name),
                                         .serves = arena_strdup(cli->arena, probe->serves),
                                         .required = probe->required,
                                         .works = probe->works,
                                         .error = (UINT32)-probe->code,
                                         .reason = probe->reason};
    }
    struct findings findings = {report.usable, report.summary, hooks,
                                SHIM_HOOKS,    report.gaps,    NULL};
    return say(cli, &findings);
}

int command_doctor(struct cli *cli)
{
    HANDLE engine;
    if (!cli_arguments(cli, 0, 0))
        return EXIT_USAGE;
    DWORD code = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine);
    if (code != ERROR_SUCCESS)
        return engine_is_gone(code) ? say_probe(cli) : engine_fail(cli, code, "can't reach bfe");
    int result = say_engine(cli, engine);
    FwpmEngineClose0(engine);
    return result;
}
