/*
 * The option --layer of commands that list: a word of policies for both IP versions ("connect"),
 * one version's layer ("connect-v4"), or the API's name of any layer.
 */
#ifndef OPENWFP_WFP_LAYER_OPTION_H
#define OPENWFP_WFP_LAYER_OPTION_H

#include <stdbool.h>

struct cli;

/* Takes it out of the arguments; NULL when it isn't there. False: no layer has that name, which is
   reported. */
bool layer_option(struct cli *cli, const char **wanted);

/* Whether a layer, by describe_layer's name, is one of those wanted; NULL wants all. */
bool layer_is_wanted(const char *wanted, const char *layer);

#endif
