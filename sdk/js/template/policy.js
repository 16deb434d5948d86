// Denies a job of which a step asks for more memory than `max_memory_bytes`.

import { deny, integer, policy, steps } from "./stockade-policy/index.js";

// Named as the hooks in wit/world.wit.
export const { configuration, validation } = policy({
  settings: { max_memory_bytes: integer({ min: 1 }) },

  validate({ max_memory_bytes: most }) {
    for (const step of steps()) {
      const asked = step.limit("memory_bytes");
      if (asked > most) {
        deny("too-much-memory", `step \`${step.name}\` asks for ${asked} bytes of memory; ${most} are allowed`, {
          field: step.pointer("/limits/memory_bytes"),
        });
      }
    }
  },
});
