#ifndef OPENWFP_RPC_H
#define OPENWFP_RPC_H

#include <rpcdce.h>
#include <windows.h>

#endif
