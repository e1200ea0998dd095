/* wfp show hold: what waits for an answer of user space. */
#include "src/wfp/show.h"

#include <openwfp.h>

typedef unsigned long long number;

static void print_json(struct json *json, const OPENWFP_HOLD *hold)
{
    json_object(json, NULL);
    json_bool(json, "active", hold->active);
    json_bool(json, "outbound", hold->outbound);
    json_bool(json, "inbound", hold->inbound);
    json_number(json, "networks", hold->networks);
    json_number(json, "held", hold->held);
    json_number(json, "packets", hold->packets);
    json_number(json, "bytes", hold->bytes);
    json_number(json, "asked", hold->asked);
    json_number(json, "permitted", hold->permitted);
    json_number(json, "blocked", hold->blocked);
    json_number(json, "timed_out", hold->timedOut);
    json_number(json, "refused", hold->refused);
    json_number(json, "ignored", hold->ignored);
    json_number(json, "max_packets", hold->maxPackets);
    json_number(json, "max_packets_of_program", hold->maxPacketsOfProgram);
    json_number(json, "max_bytes", hold->maxBytes);
    json_number(json, "classify_ms", hold->classifyTime);
    json_object_end(json);
    json_end(json);
}

static const char *queued(const OPENWFP_HOLD *hold)
{
    if (hold->outbound && hold->inbound)
        return "connects and accepts";
    return hold->outbound ? "connects" : hold->inbound ? "accepts" : "none";
}

static void print_text(const OPENWFP_HOLD *hold)
{
    if (!hold->active) {
        puts("No filter in force asks user space.");
        return;
    }
    printf("packets   of %s wait until they are decided, in %u network namespace%s\n", queued(hold),
           hold->networks, plural(hold->networks));
    printf("now       held: %llu, with %llu packet%s of %llu bytes; room for %llu packets, %llu of "
           "one program, of %llu bytes\n",
           (number)hold->held, (number)hold->packets, plural(hold->packets), (number)hold->bytes,
           (number)hold->maxPackets, (number)hold->maxPacketsOfProgram, (number)hold->maxBytes);
    printf("so far    %llu asked, %llu permitted, %llu blocked\n", (number)hold->asked,
           (number)hold->permitted, (number)hold->blocked);
    printf("of these  %llu were not answered in time, %llu found no room; %llu messages made no "
           "sense\n",
           (number)hold->timedOut, (number)hold->refused, (number)hold->ignored);
}

DWORD show_hold(struct show *show)
{
    OPENWFP_HOLD hold;
    DWORD code = OpenWfpHoldGet(show->engine, &hold);
    if (code != ERROR_SUCCESS)
        return code;
    if (show->cli->json)
        print_json(&show->json, &hold);
    else
        print_text(&hold);
    return ERROR_SUCCESS;
}
