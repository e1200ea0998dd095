#include "src/wfp/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/model/guid.h"
#include "src/model/utf16.h"
#include "src/wfp/json.h"
#include "src/wfp/list.h"

struct wanted_callout {
    const char *name;
    const GUID *layer;
    GUID key;
    bool found;
};

static bool see_callout(void *ctx, const FWPM_CALLOUT0 *callout)
{
    struct wanted_callout *wanted = ctx;
    char *name = utf16_to_utf8(callout->displayData.name);
    if (name != NULL && strcmp(name, wanted->name) == 0 &&
        guid_equal(&callout->applicableLayer, wanted->layer)) {
        wanted->key = callout->calloutKey;
        wanted->found = true;
    }
    free(name);
    return !wanted->found;
}

static bool engine_callout(void *ctx, const char *name, const GUID *layer, GUID *key)
{
    struct wanted_callout wanted = {.name = name, .layer = layer};
    list_callouts(*(HANDLE *)ctx, see_callout, &wanted);
    *key = wanted.key;
    return wanted.found;
}

struct environment load_environment(HANDLE *engine)
{
    struct environment environment = environment_host;
    environment.ctx = engine;
    environment.callout = engine == NULL ? NULL : engine_callout;
    return environment;
}

static void messages_json(const struct report *report, struct json *json)
{
    json_array(json, "messages");
    for (const struct report_message *m = report->first; m != NULL; m = m->next) {
        json_object(json, NULL);
        json_text(json, "level", m->level == REPORT_ERROR ? "error" : "warning");
        json_text(json, "file", m->place.source->name);
        json_number(json, "line", m->place.line);
        json_number(json, "column", place_column(&m->place));
        json_text(json, "text", m->text);
        json_text(json, "hint", m->hint);
        json_object_end(json);
    }
    json_array_end(json);
}

void load_report(const struct cli *cli, const struct report *report, const char *path)
{
    struct json json = {stdout, false};
    if (!cli->json || report->errors == 0) {
        report_print(report, stderr, cli->error_colour);
    } else {
        json_object(&json, NULL);
        json_bool(&json, "ok", false);
        messages_json(report, &json);
        json_object_end(&json);
        json_end(&json);
    }
    if (report->errors > 0)
        fprintf(stderr, "%s: %u error%s; nothing was applied\n", path, report->errors,
                plural(report->errors));
}

int load_policy(const struct cli *cli, const struct environment *environment, const char *path,
                const struct compile_options *options, struct policy_objects *objects)
{
    struct report report;
    report_init(&report, cli->arena);
    bool good = policy_load(cli->arena, environment, path, options, &report, objects);
    load_report(cli, &report, path);
    return good ? EXIT_DONE : EXIT_POLICY;
}
