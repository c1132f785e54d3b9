import { useRef } from 'react';
import type { FormChoicesQuery } from '../gql/form';
import { shownPart, type Conflict } from './draft';
import { useFormWords } from '../words/form';

/** What another tab, or another person, stored meanwhile, beside what was typed here. */
export function Conflicts({ conflicts, choices, take }: { conflicts: Conflict[]; choices: FormChoicesQuery; take: (conflict: Conflict) => void }) {
  const said = useFormWords();
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <div className="failure" role="alert">
      <h2 ref={heading} tabIndex={-1} id="conflict">{said.conflictTitle}</h2>
      <p>{said.conflictText}</p>
      <dl className="conflicts">
        {conflicts.map((conflict) => {
          const { name, theirs, mine } = conflict;
          const stored = shownPart(theirs, name, said, choices);
          return (
            <div key={name}>
              <dt>{stored.label}</dt>
              <dd><span className="label">{said.stored}</span> {stored.value}</dd>
              {mine && (
                <>
                  <dd><span className="label">{said.typed}</span> {shownPart(mine, name, said, choices).value}</dd>
                  <dd>
                    <button
                      type="button"
                      aria-label={said.takeStored(stored.label)}
                      onClick={() => {
                        take(conflict);
                        heading.current?.focus(); // the button is no longer there
                      }}
                    >
                      {said.takeStored()}
                    </button>
                  </dd>
                </>
              )}
            </div>
          );
        })}
      </dl>
    </div>
  );
}
