/* wfp driver: callout drivers, each in a process of its own. */
#include <stdio.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/cli.h"
#include "src/wfp/engine.h"
#include "src/wfp/event.h"
#include "src/wfp/json.h"
#include "src/wfp/table.h"

static int load(struct cli *cli, HANDLE engine)
{
    DWORD code = OpenWfpDriverLoad(engine, cli->argv[1], cli->argv[2]);
    return code == ERROR_SUCCESS ? EXIT_DONE : engine_fail(cli, code, "can't load the driver");
}

static int unload(struct cli *cli, HANDLE engine)
{
    DWORD code = OpenWfpDriverUnload(engine, cli->argv[1]);
    return code == ERROR_SUCCESS ? EXIT_DONE : engine_fail(cli, code, "can't unload the driver");
}

static const char *state_word(OPENWFP_DRIVER_STATE state)
{
    static const char *const words[] = {"starting", "running", "unloading", "failed"};
    return (unsigned)state < sizeof(words) / sizeof(words[0]) ? words[state] : "?";
}

static void list_json(struct cli *cli, struct json *json, const OPENWFP_DRIVER *driver)
{
    json_object(json, NULL);
    json_text(json, "name", driver->name);
    json_text(json, "path", driver->path);
    json_text(json, "state", state_word(driver->state));
    if (driver->reason[0] != '\0')
        json_text(json, "reason", driver->reason);
    if (driver->processId != 0)
        json_number(json, "pid", driver->processId);
    json_number(json, "callouts", driver->numCallouts);
    json_number(json, "restarts", driver->restarts);
    json_text(json, "since", filetime_text(cli->arena, driver->since));
    json_object_end(json);
}

static void list_row(struct cli *cli, struct table *table, const OPENWFP_DRIVER *driver)
{
    table_row(table);
    table_cell(table, "%s", driver->name);
    if (driver->reason[0] != '\0')
        table_cell(table, "%s: %s", state_word(driver->state), driver->reason);
    else
        table_cell(table, "%s", state_word(driver->state));
    table_cell(table, driver->processId != 0 ? "%u" : "-", driver->processId);
    table_cell(table, "%u", driver->numCallouts);
    table_cell(table, "%u", driver->restarts);
    table_cell(table, "%s", filetime_text(cli->arena, driver->since));
    table_cell(table, "%s", driver->path);
}

static void print_drivers(struct cli *cli, OPENWFP_DRIVER *const *entries, UINT32 count)
{
    static const char *const titles[] = {"NAME",     "STATE", "PID",  "CALLOUTS",
                                         "RESTARTS", "SINCE", "PATH", NULL};
    struct json json = {stdout, false};
    struct table *table = table_new(cli->arena, titles);
    if (cli->json)
        json_array(&json, NULL);
    for (UINT32 i = 0; i < count; i++) {
        if (cli->json)
            list_json(cli, &json, entries[i]);
        else
            list_row(cli, table, entries[i]);
    }
    if (cli->json) {
        json_array_end(&json);
        json_end(&json);
    } else {
        table_print(table, stdout, cli->colour);
    }
}

static int list(struct cli *cli, HANDLE engine)
{
    OPENWFP_DRIVER **entries = NULL;
    UINT32 count = 0;
    DWORD code = OpenWfpDriverList(engine, &entries, &count);
    if (code != ERROR_SUCCESS)
        return engine_fail(cli, code, "can't list the drivers");
    print_drivers(cli, entries, count);
    FwpmFreeMemory0((void **)&entries);
    return EXIT_DONE;
}

int command_driver(struct cli *cli)
{
    static const struct {
        const char *name;
        int count;
        int (*run)(struct cli *cli, HANDLE engine);
    } actions[] = {{"load", 3, load}, {"unload", 2, unload}, {"list", 1, list}};
    HANDLE engine;
    if (!cli_arguments(cli, 1, 3))
        return EXIT_USAGE;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(cli->argv[0], actions[i].name) != 0)
            continue;
        if (!cli_arguments(cli, actions[i].count, actions[i].count))
            return EXIT_USAGE;
        int result = engine_open(cli, 0, &engine);
        if (result != EXIT_DONE)
            return result;
        result = actions[i].run(cli, engine);
        FwpmEngineClose0(engine);
        return result;
    }
    return cli_usage(cli, "driver load, unload or list, not %s", cli->argv[0]);
}
