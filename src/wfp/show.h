/* What "wfp show" can show; each kind in a file of its own. */
#ifndef OPENWFP_WFP_SHOW_H
#define OPENWFP_WFP_SHOW_H

#include <fwpmu.h>

#include "src/wfp/cli.h"
#include "src/wfp/json.h"
#include "src/wfp/names.h"
#include "src/wfp/table.h"

struct show {
    struct cli *cli;
    HANDLE engine;
    struct object_names names;
    bool all;          /* --all: layers that nothing is enforced at, too */
    const char *layer; /* --layer: only this one, by its short or its API name */
    struct json json;
    struct table *table; /* NULL with --json */
};

/* Begins the list: the table's titles, or the document's array. show_end prints it. */
void show_begin(struct show *show, const char *const *titles);
void show_end(struct show *show);

/* Whether --layer lets this layer through: "connect" is connect-v4 and connect-v6. */
bool show_wants_layer(const struct show *show, const char *layer);

DWORD show_filters(struct show *show);
DWORD show_sublayers(struct show *show);
DWORD show_callouts(struct show *show);
DWORD show_providers(struct show *show);
DWORD show_layers(struct show *show);
DWORD show_sessions(struct show *show);
DWORD show_flows(struct show *show);
DWORD show_events(struct show *show);
DWORD show_classifier(struct show *show);
DWORD show_hold(struct show *show);

const char *show_key(const struct show *show, const GUID *key);
const char *show_text(const struct show *show, const WCHAR *text);
const char *show_provider(const struct show *show, const GUID *key); /* "" for NULL */

#endif
