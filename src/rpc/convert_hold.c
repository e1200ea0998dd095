/* What is held in user space, in figures. */
#include "rpc/convert_private.h"

Rpc__Hold *encode_hold(struct converter *c, const OPENWFP_HOLD *hold)
{
    Rpc__Hold *message = NEW_MESSAGE(c, Rpc__Hold, rpc__hold__init);

    if (!message)
        return NULL;
    message->active = hold->active;
    message->outbound = hold->outbound;
    message->inbound = hold->inbound;
    message->networks = hold->networks;
    message->held = hold->held;
    message->packets = hold->packets;
    message->bytes = hold->bytes;
    message->asked = hold->asked;
    message->permitted = hold->permitted;
    message->blocked = hold->blocked;
    message->timed_out = hold->timedOut;
    message->refused = hold->refused;
    message->ignored = hold->ignored;
    message->max_packets = hold->maxPackets;
    message->max_packets_of_program = hold->maxPacketsOfProgram;
    message->max_bytes = hold->maxBytes;
    message->classify_time = hold->classifyTime;
    return message;
}

bool decode_hold(struct converter *c, const Rpc__Hold *message, OPENWFP_HOLD *hold)
{
    *hold = (OPENWFP_HOLD){
        .active = message->active,
        .outbound = message->outbound,
        .inbound = message->inbound,
        .networks = message->networks,
        .held = message->held,
        .packets = message->packets,
        .bytes = message->bytes,
        .asked = message->asked,
        .permitted = message->permitted,
        .blocked = message->blocked,
        .timedOut = message->timed_out,
        .refused = message->refused,
        .ignored = message->ignored,
        .maxPackets = message->max_packets,
        .maxPacketsOfProgram = message->max_packets_of_program,
        .maxBytes = message->max_bytes,
        .classifyTime = message->classify_time,
    };
    return true;
}
