// What the build knows of itself and Swift cannot be told otherwise: see Package.swift.
#pragma once

// The commit that was built, from ALEXNET_COMMIT in the environment of `swift build`; null where nobody said.
const char *alexnet_commit(void);
