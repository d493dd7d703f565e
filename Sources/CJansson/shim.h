// Jansson: a parser of JSON that says where a text is none.
#pragma once
#include <jansson.h>
