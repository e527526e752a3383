import react from "@vitejs/plugin-react";
import { esmExternalRequirePlugin } from "rolldown/plugins";
import { defineConfig } from "vite";

// What Airflow's own page already has: one React, one theme, one router for all plugins.
const globals: Record<string, string> = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
  "react-router-dom": "ReactRouterDOM",
  "@chakra-ui/react": "ChakraUI",
};

export default defineConfig({
  plugins: [react(), esmExternalRequirePlugin({ external: Object.keys(globals) })],
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    lib: { entry: "src/main.tsx", formats: ["umd"], name: "FlowDrop", fileName: () => "main.js" },
    rolldownOptions: { output: { globals, exports: "default" } },
  },
});
