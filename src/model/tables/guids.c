/* The GUIDs that the public headers declare. */
#include <initguid.h>

#include <fwpmu.h>
#include <openwfp.h>
