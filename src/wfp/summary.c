#include "src/wfp/summary.h"

#include "src/model/guid.h"
#include "src/wfp/arena.h"
#include "src/wfp/json.h"
#include "src/wfp/utf8.h"

static void print_filter(const struct describer *describer, const FWPM_FILTER0 *filter, FILE *out)
{
    fprintf(out, "  %20llu  ", (unsigned long long)*filter->weight.uint64);
    print_clean(out, describe_filter(describer, filter));
    fputc('\n', out);
}

void summary_print(const struct describer *describer, const struct policy_objects *objects,
                   FILE *out)
{
    fputs("policy ", out);
    print_clean(out, objects->name);
    fputc('\n', out);
    for (size_t i = 0; i < objects->sublayer_count; i++) {
        const FWPM_SUBLAYER0 *sublayer = &objects->sublayers[i];
        fputs("sublayer ", out);
        print_clean(out, arena_narrow(describer->arena, sublayer->displayData.name));
        fprintf(out, " weight %u%s\n", sublayer->weight, sublayer->flags != 0 ? " persistent" : "");
        for (size_t j = 0; j < objects->filter_count; j++) {
            if (guid_equal(&objects->filters[j].subLayerKey, &sublayer->subLayerKey))
                print_filter(describer, &objects->filters[j], out);
        }
    }
}

static void filter_json(const struct describer *describer, const FWPM_FILTER0 *filter,
                        struct json *json)
{
    json_object(json, NULL);
    json_text(json, "name", arena_narrow(describer->arena, filter->displayData.name));
    json_text(json, "source", arena_narrow(describer->arena, filter->displayData.description));
    json_text(json, "layer", describe_layer(describer->arena, &filter->layerKey));
    json_number(json, "weight", *filter->weight.uint64);
    json_text(json, "rule", describe_filter(describer, filter));
    json_array(json, "conditions");
    for (uint32_t i = 0; i < filter->numFilterConditions; i++)
        describe_condition_json(describer, json, &filter->filterCondition[i]);
    json_array_end(json);
    json_object_end(json);
}

void summary_json(const struct describer *describer, const struct policy_objects *objects,
                  struct json *json)
{
    json_text(json, "policy", objects->name);
    json_number(json, "rules", objects->rules);
    json_array(json, "sublayers");
    for (size_t i = 0; i < objects->sublayer_count; i++) {
        const FWPM_SUBLAYER0 *sublayer = &objects->sublayers[i];
        json_object(json, NULL);
        json_text(json, "name", arena_narrow(describer->arena, sublayer->displayData.name));
        json_number(json, "weight", sublayer->weight);
        json_object_end(json);
    }
    json_array_end(json);
    json_array(json, "filters");
    for (size_t i = 0; i < objects->filter_count; i++)
        filter_json(describer, &objects->filters[i], json);
    json_array_end(json);
}
