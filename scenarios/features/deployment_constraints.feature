Feature: Deployment Constraints
  Stakeholders: service providers, resource providers
  Environment: testnet, infrastructure specific to each scenario
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   | continent | country | city      | cpu | ram    | disk   | gpu                                       |
      | Alice | SP   | false     | nunet | EU        | FR      | Paris     |     |        |        |                                           |
      | Bob   | CP   | true      | nunet | NA        | US      | Denver    | 4   | 8 GiB  | 100 GB |                                           |
      | Carol | CP   | true      | nunet | EU        | DE      | Berlin    | 8   | 16 GiB | 200 GB |                                           |
      | Dave  | CP   | true      | nunet | AS        | CN      | Shanghai  | 32  | 64 GiB | 1 TB   | vendor: NVIDIA, model: T4, vram: 16 GiB   |
      | Erin  | CP   | true      | nunet | EU        | DE      | Hamburg   | 4   | 8 GiB  | 100 GB |                                           |
      | Frank | CP   | true      | nunet | EU        | DE      | Dresden   | 4   | 8 GiB  | 100 GB |                                           |

  Scenario Outline: Launch a deployment with geographic (location-based) constraints
    When "Alice" deploys "docker_hello_constraint_<where>.yaml"
    Then "Alice" deployment should have completed on "<peer>"
    And "Alice" ensemble should return "Hello from Docker!"

    Examples:
      | where | peer  |
      | cn    | Dave  |
      | us    | Bob   |

  Scenario: Launch a deployment with geographic (location-based) constraints for each of its nodes
    When "Alice" deploys "docker_hello_constraint_cn_us.yaml"
    Then "Alice" deployment is completed
    And node "node1" of "Alice" deployment should be on "Dave"
    And node "node2" of "Alice" deployment should be on "Bob"

  Scenario Outline: A place where nobody is has no deployment
    When "Alice" deploys "docker_hello_constraint_<where>.yaml"
    Then "Alice" deployment should fail
    And a peer should have refused "Alice" deployment with "location"
    And "Alice" deployment should never have run

    Examples:
      | where |
      | za    |
      | za_us |

  @W3
  Scenario: Launch a deployment with minimum hardware specifications
    Given "Alice" deploys "big.yaml" as "many cores"
    And "Alice" deploys "gpu.yaml" as "card"
    Then "many cores" deployment should have completed on "Dave"
    And "card" deployment should have completed on "Dave"
    And "Bob" should have refused "many cores" deployment with "CPU"

  Scenario: Hardware that nobody has
    When "Alice" deploys "huge.yaml"
    Then "Alice" deployment should fail
    And "Bob" should have refused "Alice" deployment with "too small"
    And "Alice" deployment should never have run

  @W1
  Scenario: Launch a deployment considering edge constraints
    When "Alice" deploys "close.yaml"
    Then "Alice" deployment is running
    And "Alice" deployment should run on 2 peers
    And "Alice" deployment should not be running on "Bob"
    And "Alice" deployment should not be running on "Dave"

  Scenario: An edge constraint that no two peers meet
    When "Alice" deploys "impossible.yaml"
    Then "Alice" deployment should fail
    And "Alice" deployment should never have run
