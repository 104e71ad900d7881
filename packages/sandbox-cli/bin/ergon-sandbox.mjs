#!/usr/bin/env node
// Here before a build, when npm links the command of a clone.
import '../dist/bin.js';
