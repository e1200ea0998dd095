#include "src/wfp/layer_option.h"

#include <string.h>

#include "src/model/layers.h"
#include "src/wfp/cli.h"
#include "src/wfp/describe.h"
#include "src/wfp/policy/words.h"

bool layer_is_wanted(const char *wanted, const char *layer)
{
    size_t length = wanted == NULL ? 0 : strlen(wanted);
    return length == 0 || (strncasecmp(layer, wanted, length) == 0 &&
                           (layer[length] == '\0' || layer[length] == '-' || layer[length] == '_'));
}

static bool exists(struct cli *cli, const char *wanted)
{
    const struct layer_info *layer;
    for (uint16_t id = 0; (layer = layer_by_id(id)) != NULL; id++) {
        if (layer_is_wanted(wanted, describe_layer_id(cli->arena, id)) ||
            layer_is_wanted(wanted, layer->name))
            return true;
    }
    return false;
}

bool layer_option(struct cli *cli, const char **wanted)
{
    *wanted = cli_option(cli, "--layer");
    if (*wanted == NULL || exists(cli, *wanted))
        return true;
    cli_usage(cli, "there is no layer \"%s\": %s, or one that \"wfp show layers --all\" lists",
              *wanted, word_list(cli->arena, words_layers));
    return false;
}
