/* wfp delete */
#include <stdio.h>

#include "src/model/guid.h"
#include "src/wfp/arena.h"
#include "src/wfp/change.h"
#include "src/wfp/engine.h"
#include "src/wfp/json.h"
#include "src/wfp/policy/values.h"

/* All filters named on the command line, or none of them. */
static int delete_named(struct change *change, const void *what)
{
    const struct cli *cli = what;
    for (int i = 0; i < cli->argc; i++) {
        uint64_t id;
        GUID key;
        DWORD code;
        if (number_parse(cli->argv[i], UINT64_MAX, &id))
            code = FwpmFilterDeleteById0(change->engine, id);
        else if (guid_parse(cli->argv[i], &key))
            code = FwpmFilterDeleteByKey0(change->engine, &key);
        else
            return cli_usage(cli, "\"%s\" is neither a filter's id nor its key", cli->argv[i]);
        if (code != ERROR_SUCCESS)
            return engine_fail(cli, code,
                               arena_printf(cli->arena, "can't delete filter %s", cli->argv[i]));
        change->deleted++;
    }
    return EXIT_DONE;
}

static int delete_policy(struct change *change, const void *policy)
{
    return change_remove(change, policy);
}

static void say_deleted(const struct cli *cli, size_t deleted)
{
    struct json json = {stdout, false};
    if (!cli->json) {
        printf("%zu filter%s deleted\n", deleted, deleted == 1 ? "" : "s");
        return;
    }
    json_object(&json, NULL);
    json_bool(&json, "ok", true);
    json_number(&json, "deleted", deleted);
    json_object_end(&json);
    json_end(&json);
}

int command_delete(struct cli *cli)
{
    const char *policy = cli_option(cli, "--policy");
    struct change change = {.cli = cli};
    if (!cli_arguments(cli, policy == NULL ? 1 : 0, policy == NULL ? -1 : 0))
        return EXIT_USAGE;
    int result = engine_open(cli, 0, &change.engine);
    if (result != EXIT_DONE)
        return result;
    result = policy != NULL ? change_run(&change, delete_policy, policy)
                            : change_run(&change, delete_named, cli);
    FwpmEngineClose0(change.engine);
    if (result == EXIT_DONE)
        say_deleted(cli, change.deleted);
    return result;
}
