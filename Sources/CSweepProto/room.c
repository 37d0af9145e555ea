#include "CSweepProto.h"
