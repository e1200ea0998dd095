/* The ALE shim's kernel programs: one object, one policy, one set of maps. */
#include "assign.h"
#include "connect.h"
#include "listen.h"
#include "packet.h"
#include "accept.h"
#include "adopt.h"
#include "lsm.h"
#include "reauthorize.h"
#include "queue.h"
#include "answer.h"
#include "classify/forget.h"

char LICENSE[] SEC("license") = "GPL";
