Feature: Organization Management
  Stakeholders: facilitators
  Environment: feature
  Development: implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | acme  |
      | Bob     | CP   | true      | acme  |
      | Charlie | CP   | true      | nunet |
      | Dave    | SP   | false     |       |
      | Erin    | CP   | true      |       |
    And the organization "globex"

  Scenario: Create a private organization/network
    When "Dave" says hello to "Erin"
    Then "Erin" should not respond with his <DID>
    When "Dave" joins "globex"
    And "Dave" says hello to "Erin"
    Then "Erin" should not respond with his <DID>
    When "Erin" joins "globex"
    And "Dave" says hello to "Erin"
    Then "Erin" should respond with his <DID>
    And "Bob" should not respond with his <DID>
    And "Charlie" should not respond with his <DID>
    When "Dave" deploys "docker_hello.yaml" on "Erin"
    Then "Dave" deployment should succeed
    When "Alice" deploys "docker_hello.yaml" on "Erin"
    Then "Alice" deployment should not succeed on "Erin"

  Scenario: Create a private organization/network that grants little
    Given the organization "initech" grants "/broadcast, /public"
    When "Dave" joins "initech"
    And "Erin" joins "initech"
    And "Dave" says hello to "Erin"
    Then "Erin" should respond with his <DID>
    When "Dave" deploys "docker_hello.yaml" on "Erin"
    Then "Dave" deployment should not succeed on "Erin"

  Scenario: Join NuNet's public network
    When "Dave" says hello to "Charlie"
    Then "Charlie" should not respond with his <DID>
    When "Dave" joins "nunet"
    And "Dave" says hello to "Charlie"
    Then "Charlie" should respond with his <DID>
    And "Bob" should not respond with his <DID>
    And "Dave" should be part of "nunet"
    When "Dave" deploys "docker_hello.yaml" on "Charlie"
    Then "Dave" deployment should succeed

  Scenario: Join a private organization/network
    Given "Dave" deploys "docker_hello.yaml" on "Bob" as "before"
    And "before" deployment should not succeed on "Bob"
    When "Dave" joins "acme"
    And "Dave" says hello to "Bob"
    Then "Bob" should respond with his <DID>
    And "Charlie" should not respond with his <DID>
    And "Dave" should be part of "acme"
    When "Dave" deploys "docker_hello.yaml" on "Bob" as "after"
    Then "after" deployment should succeed

  Scenario: Join a private organization/network for a while
    When "Dave" joins "acme" for 2 hours
    And "Dave" says hello to "Bob"
    Then "Bob" should respond with his <DID>
    When 2 hours pass
    And "Dave" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
    And "Dave" should be part of no organization

  Scenario: Join a private organization/network, and leave it
    When "Dave" joins "acme"
    And "Dave" says hello to "Bob"
    Then "Bob" should respond with his <DID>
    When "Alice" says hello to "Dave"
    Then "Dave" should respond with his <DID>
    When "Dave" leaves "acme"
    And "Dave" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
    When "Alice" says hello to "Dave"
    Then "Dave" should not respond with his <DID>
    And "Bob" should respond with his <DID>

  Scenario: Join a private organization/network by half
    When "Dave" accepts the members of "acme" without joining it
    And "Alice" invokes "/public/hello" of "Dave"
    Then "Alice" should be answered
    When "Dave" invokes "/public/hello" of "Alice"
    Then "Dave" should not be answered
    And "Dave" should be part of no organization

  @C10
  Scenario: Attempt to join an unauthorized private organization/network
    When "Dave" tries to join "acme" with the token of "Alice"
    Then "Dave" should be refused with "granted to somebody else"
    And "Dave" should be part of no organization
    When "Dave" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
    When "Dave" deploys "docker_hello.yaml" on "Bob"
    Then "Dave" deployment should not succeed on "Bob"

  Scenario: Attempt to join an unauthorized private organization/network
    When "Dave" tries to join "acme" with a forged token
    Then "Dave" should be refused with "verify"
    And "Dave" should be part of no organization
    When "Dave" says hello to "Bob"
    Then "Bob" should not respond with his <DID>
    When "Dave" deploys "docker_hello.yaml" on "Bob"
    Then "Dave" deployment should not succeed on "Bob"

  @C4
  Scenario: View organizations the peer is part of
    Then "Alice" should be part of "acme"
    And "Charlie" should be part of "nunet"
    And "Dave" should be part of no organization
    When "Alice" joins "globex"
    And "Alice" joins "nunet"
    Then "Alice" should be part of "acme, globex, nunet"
    When "Alice" leaves "globex"
    Then "Alice" should be part of "acme, nunet"
