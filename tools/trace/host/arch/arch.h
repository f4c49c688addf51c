/*
 * arch.h as the host tool sees it: empty. kernel/trace/trace.h names the machine layer, but the
 * layouts it declares need nothing of it.
 */
#pragma once
