Feature: Capabilities Management
  Stakeholders: resource providers, facilitators
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | SP   | false     | nunet |

  Scenario: Revoke a previously granted capability
    Given "Alice" says hello to "Bob"
    And "Bob" should respond with his <DID>
    When "Bob" revokes permission from "Alice" via "nunet"
    And "Alice" says hello to "Bob"
    Then "Bob" should not respond with his <DID>

  Scenario: Revocation broadcast
    Given "Alice" says hello to "Bob"
    And "Bob" should respond with his <DID>
    When "Nunet" revokes a token for "Alice" and "Alice" broadcasts it
    And "Alice" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
