/** The text of a file of questions, as the API is asked them: see vite.config.ts. */
declare module '*.graphql' {
  const text: string;
  export default text;
}
